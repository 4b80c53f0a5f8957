import { BitwrightError, roundHalfEven } from '@bitwright/core';
import type { ImageInput } from '../data-card.js';
import type { ResampleWindow } from './resample.js';

/** Height and width in pixels. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** The size that every image of an input comes to; undefined when it follows from each image's own size. */
export function fixedSize(input: ImageInput): ImageSize | undefined {
  if (input.centerCrop !== undefined) return cropSize(input.centerCrop);
  return input.resize && { height: input.resize[0], width: input.resize[1] };
}

/**
 * Where in the (virtually) resized image the wanted pixels lie.
 *
 * The longer side is size * long / short, rounded to the nearest pixel (torchvision cuts the fraction off); the crop starts at round((side - crop) / 2), half to even.
 *
 * @throws DATA_IMAGE_SIZE when the crop is larger than the image, naming both.
 */
export function imageWindow(input: ImageInput, size: ImageSize, image: string): ResampleWindow {
  const { height, width } = resizedSize(input, size);
  if (input.centerCrop === undefined) return { width, height, left: 0, top: 0, columns: width, rows: height };
  const crop = cropSize(input.centerCrop);
  if (crop.height > height || crop.width > width) {
    throw new BitwrightError({
      code: 'DATA_IMAGE_SIZE',
      message: `The center crop of ${crop.width} x ${crop.height} is larger than '${image}', which is ${width} x ${height} before it.`,
      hint: 'Give a shorterSide (or resize) that is at least as large as the centerCrop.',
      at: { file: image, option: 'centerCrop' },
    });
  }
  const left = roundHalfEven((width - crop.width) / 2);
  const top = roundHalfEven((height - crop.height) / 2);
  return { width, height, left, top, columns: crop.width, rows: crop.height };
}

function resizedSize(input: ImageInput, { height, width }: ImageSize): ImageSize {
  if (input.resize !== undefined) return { height: input.resize[0], width: input.resize[1] };
  const side = input.shorterSide;
  if (side === undefined) return { height, width };
  return width <= height
    ? { width: side, height: roundHalfEven((side * height) / width) }
    : { width: roundHalfEven((side * width) / height), height: side };
}

function cropSize(crop: number | readonly [number, number]): ImageSize {
  return typeof crop === 'number' ? { height: crop, width: crop } : { height: crop[0], width: crop[1] };
}
