import type { PixelImage } from '../data-host.js';

/** The part of a resized image that is wanted: the size it is resized to, and a rectangle of that. */
export interface ResampleWindow {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  readonly columns: number;
  readonly rows: number;
}

/** The weights of one axis: output i is the sum of `counts[i]` inputs from `starts[i]` on, in fixed point. */
interface AxisWeights {
  readonly taps: number;
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  readonly weights: Int32Array;
}

const PRECISION = 22;
const HALF = 1 << (PRECISION - 1);

/**
 * Resizes with antialiasing exactly as Pillow does (`Resample.c`, 8 bits a channel), so that a model sees the pixels that
 * it was trained on: weights in fixed point of 22 bits, the horizontal pass first, rounded to 8 bits in between.
 *
 * Only the pixels that the window needs are computed. An axis whose size stays the same is copied.
 */
export function resample(
  image: PixelImage,
  window: ResampleWindow,
  interpolation: 'linear' | 'cubic',
): PixelImage {
  const { channels } = image;
  const across = axisWeights(image.width, window.width, window.left, window.columns, interpolation);
  const down = axisWeights(image.height, window.height, window.top, window.rows, interpolation);
  const last = window.rows - 1;
  const firstRow = down.starts[0]!;
  const rows = down.starts[last]! + down.counts[last]! - firstRow;
  const between = new Uint8Array(rows * window.columns * channels);
  horizontal(image, firstRow, rows, across, between);
  const pixels = new Uint8Array(window.rows * window.columns * channels);
  vertical(between, window.columns * channels, firstRow, down, pixels);
  return { width: window.columns, height: window.rows, channels, pixels };
}

function horizontal(
  image: PixelImage,
  firstRow: number,
  rows: number,
  axis: AxisWeights,
  out: Uint8Array,
): void {
  const lineLength = image.width * image.channels;
  const outLength = axis.starts.length * image.channels;
  const pass = image.channels === 3 ? colourLine : greyLine;
  for (let row = 0; row < rows; row++) {
    pass(image.pixels, (firstRow + row) * lineLength, axis, out, row * outLength);
  }
}

function colourLine(pixels: Uint8Array, line: number, axis: AxisWeights, out: Uint8Array, to: number): void {
  const { taps, starts, counts, weights } = axis;
  let o = to;
  for (let i = 0; i < starts.length; i++) {
    const end = i * taps + counts[i]!;
    let p = line + starts[i]! * 3;
    let red = HALF;
    let green = HALF;
    let blue = HALF;
    for (let k = i * taps; k < end; k++) {
      const weight = weights[k]!;
      red = (red + Math.imul(pixels[p]!, weight)) | 0;
      green = (green + Math.imul(pixels[p + 1]!, weight)) | 0;
      blue = (blue + Math.imul(pixels[p + 2]!, weight)) | 0;
      p += 3;
    }
    out[o++] = clampByte(red >> PRECISION);
    out[o++] = clampByte(green >> PRECISION);
    out[o++] = clampByte(blue >> PRECISION);
  }
}

function greyLine(pixels: Uint8Array, line: number, axis: AxisWeights, out: Uint8Array, to: number): void {
  const { taps, starts, counts, weights } = axis;
  for (let i = 0; i < starts.length; i++) {
    const end = i * taps + counts[i]!;
    let p = line + starts[i]!;
    let sum = HALF;
    for (let k = i * taps; k < end; k++) sum = (sum + Math.imul(pixels[p++]!, weights[k]!)) | 0;
    out[to + i] = clampByte(sum >> PRECISION);
  }
}

function vertical(
  lines: Uint8Array,
  lineLength: number,
  firstRow: number,
  axis: AxisWeights,
  out: Uint8Array,
): void {
  const { taps, starts, counts, weights } = axis;
  const sums = new Int32Array(lineLength);
  let o = 0;
  for (let i = 0; i < starts.length; i++) {
    const weight = i * taps;
    const count = counts[i]!;
    const line = (starts[i]! - firstRow) * lineLength;
    // Row by row into sums of 32 bits: memory is walked in its own order, several times as fast as column by column.
    sums.fill(HALF);
    for (let k = 0; k < count; k++) {
      const factor = weights[weight + k]!;
      const p = line + k * lineLength;
      for (let x = 0; x < lineLength; x++) sums[x] = sums[x]! + Math.imul(lines[p + x]!, factor);
    }
    for (let x = 0; x < lineLength; x++) out[o++] = clampByte(sums[x]! >> PRECISION);
  }
}

function axisWeights(
  from: number,
  to: number,
  first: number,
  count: number,
  interpolation: 'linear' | 'cubic',
): AxisWeights {
  if (from === to) return copyWeights(first, count);
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = (interpolation === 'linear' ? 1 : 2) * stretch;
  const filter = interpolation === 'linear' ? triangle : catmullRom;
  const taps = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(count);
  const counts = new Int32Array(count);
  const weights = new Int32Array(count * taps);
  const exact = new Float64Array(taps);
  for (let i = 0; i < count; i++) {
    const center = (first + i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const length = Math.min(from, Math.trunc(center + support + 0.5)) - start;
    let total = 0;
    for (let k = 0; k < length; k++) {
      // Pillow multiplies by the inverse of the stretch; a division would differ in the last bit.
      exact[k] = filter((k + start - center + 0.5) * (1 / stretch));
      total += exact[k]!;
    }
    for (let k = 0; k < length; k++) {
      const weight = (total === 0 ? exact[k]! : exact[k]! / total) * (1 << PRECISION);
      weights[i * taps + k] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    starts[i] = start;
    counts[i] = length;
  }
  return { taps, starts, counts, weights };
}

function copyWeights(first: number, count: number): AxisWeights {
  return {
    taps: 1,
    starts: Int32Array.from({ length: count }, (_, i) => first + i),
    counts: new Int32Array(count).fill(1),
    weights: new Int32Array(count).fill(1 << PRECISION),
  };
}

function triangle(x: number): number {
  const size = Math.abs(x);
  return size < 1 ? 1 - size : 0;
}

function catmullRom(x: number): number {
  const a = -0.5;
  const size = Math.abs(x);
  if (size < 1) return ((a + 2) * size - (a + 3)) * size * size + 1;
  return size < 2 ? (((size - 5) * size + 8) * size - 4) * a : 0;
}

function clampByte(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
