import type { Elements } from '../arrays/elements.js';
import type { ImageInput } from '../data-card.js';
import type { PixelImage } from '../data-host.js';
import type { InputSpec } from '../input-spec.js';
import { fixedSize, type ImageSize, imageWindow } from './image-geometry.js';
import { pixelTable } from './pixel-table.js';
import { resample } from './resample.js';

/** Pixels of one image inside of a buffer, in any order: CIFAR's planes, interleaved RGB, a grey plane. */
export interface StridedPixels {
  readonly bytes: Uint8Array;
  readonly height: number;
  readonly width: number;
  /** The distance from a pixel to the next. */
  readonly pixelStride: number;
  /** The distance from red to green and from green to blue; 0 for grey, which then serves as all three. */
  readonly channelStride: number;
}

/** Turns images into the values of one model input: resize, crop, order of channels, layout, normalization. */
export class ImagePipeline {
  readonly channels: 1 | 3;
  /** The size that every image comes to, if the card alone decides it. */
  readonly size: ImageSize | undefined;
  readonly #input: ImageInput;
  readonly #table: Elements;
  readonly #resizes: boolean;
  readonly #reversed: boolean;
  readonly #channelsLast: boolean;

  /** @throws DATA_CARD_VALUE, DATA_INEXACT or DATA_DTYPE, see `pixelTable`. */
  constructor(
    readonly spec: InputSpec,
    input: ImageInput,
  ) {
    this.channels = input.channels === 'grey' ? 1 : 3;
    this.size = fixedSize(input);
    this.#input = input;
    this.#table = pixelTable(input, spec.name, spec.dtype, this.channels);
    this.#resizes =
      input.shorterSide !== undefined || input.resize !== undefined || input.centerCrop !== undefined;
    this.#reversed = input.channels === 'BGR';
    this.#channelsLast = input.layout === 'NHWC';
  }

  /** The shape of one sample without its batch dimension; undefined stands for a size that is not known. */
  shapeOf(size: Partial<ImageSize>): readonly (number | undefined)[] {
    return this.#channelsLast
      ? [size.height, size.width, this.channels]
      : [this.channels, size.height, size.width];
  }

  /**
   * The size that an image of this size comes to.
   *
   * @throws DATA_IMAGE_SIZE, naming the image.
   */
  outputSize(size: ImageSize, name: string): ImageSize {
    const { columns, rows } = imageWindow(this.#input, size, name);
    return { width: columns, height: rows };
  }

  /**
   * Writes an image's values from `to` on; `offset` is where its pixels start.
   *
   * @throws DATA_IMAGE_SIZE, naming the image.
   */
  write(image: StridedPixels, offset: number, name: string, out: Elements, to: number): void {
    if (!this.#resizes) {
      this.#put(image, offset, out, to);
      return;
    }
    const window = imageWindow(this.#input, image, name);
    const interpolation = this.#input.interpolation ?? 'linear';
    this.#put(stridedPixels(resample(interleaved(image, offset), window, interpolation)), 0, out, to);
  }

  #put(image: StridedPixels, offset: number, out: Elements, to: number): void {
    const count = image.height * image.width;
    if (this.channels === 1) {
      this.#writeGrey(image, offset, out, to, count);
      return;
    }
    const step = this.#channelsLast ? 3 : 1;
    for (let channel = 0; channel < 3; channel++) {
      const from = offset + (this.#reversed ? 2 - channel : channel) * image.channelStride;
      const first = to + (this.#channelsLast ? channel : channel * count);
      writeChannel(image.bytes, from, image.pixelStride, this.#table, channel * 256, out, first, step, count);
    }
  }

  #writeGrey(image: StridedPixels, offset: number, out: Elements, to: number, count: number): void {
    const { bytes, pixelStride, channelStride } = image;
    if (channelStride === 0) {
      writeChannel(bytes, offset, pixelStride, this.#table, 0, out, to, 1, count);
      return;
    }
    const grey = new Uint8Array(count);
    for (let i = 0, p = offset; i < count; i++, p += pixelStride) {
      // Pillow's weights of ITU-R 601 in 16-bit fixed point; they add up to 65536, so a grey pixel keeps its value.
      const sum =
        bytes[p]! * 19595 + bytes[p + channelStride]! * 38470 + bytes[p + 2 * channelStride]! * 7471 + 0x8000;
      grey[i] = sum >> 16;
    }
    writeChannel(grey, 0, 1, this.#table, 0, out, to, 1, count);
  }
}

/** A decoded image as strided pixels. */
export function stridedPixels({ pixels, width, height, channels }: PixelImage): StridedPixels {
  return { bytes: pixels, width, height, pixelStride: channels, channelStride: channels === 3 ? 1 : 0 };
}

function writeChannel(
  bytes: Uint8Array,
  from: number,
  stride: number,
  table: Elements,
  tableStart: number,
  out: Elements,
  to: number,
  step: number,
  count: number,
): void {
  if (table instanceof Float32Array && out instanceof Float32Array) {
    // The one type that nearly every model has gets a loop of its own, which the engine compiles without checks of type.
    for (let i = 0, p = from, o = to; i < count; i++, p += stride, o += step) {
      out[o] = table[tableStart + bytes[p]!]!;
    }
    return;
  }
  for (let i = 0, p = from, o = to; i < count; i++, p += stride, o += step) {
    out[o] = table[tableStart + bytes[p]!]!;
  }
}

function interleaved(image: StridedPixels, offset: number): PixelImage {
  const { bytes, width, height, pixelStride, channelStride } = image;
  const channels = channelStride === 0 ? 1 : 3;
  const count = width * height;
  if (pixelStride === channels && channelStride <= 1) {
    return { width, height, channels, pixels: bytes.subarray(offset, offset + count * channels) };
  }
  const pixels = new Uint8Array(count * channels);
  for (let i = 0; i < count; i++) {
    for (let channel = 0; channel < channels; channel++) {
      pixels[i * channels + channel] = bytes[offset + i * pixelStride + channel * channelStride]!;
    }
  }
  return { width, height, channels, pixels };
}
