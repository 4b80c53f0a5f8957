import { BitwrightError, type DType } from '@bitwright/core';
import { type Elements, elementKind } from '../arrays/elements.js';
import type { ImageInput } from '../data-card.js';

/**
 * The 256 values that a pixel can become in each channel, one channel after the other, in the input's own type.
 *
 * value = (pixel * rescale - mean) / std, computed in double precision and rounded once; an integer input needs values
 * that are whole and in range.
 *
 * @throws DATA_CARD_VALUE when `mean` or `std` has neither one entry nor one a channel; DATA_INEXACT when a value does not
 *   fit the input's type; DATA_DTYPE.
 */
export function pixelTable(input: ImageInput, name: string, dtype: DType, channels: number): Elements {
  const kind = elementKind(dtype, name);
  const rescale = input.rescale ?? 1;
  const mean = perChannel(input.mean ?? 0, 'mean', name, channels);
  const std = perChannel(input.std ?? 1, 'std', name, channels);
  const table = kind.make(256 * channels);
  for (let channel = 0; channel < channels; channel++) {
    for (let pixel = 0; pixel < 256; pixel++) {
      const value = (pixel * rescale - mean[channel]!) / std[channel]!;
      const stored = kind.encode(value);
      if (stored === undefined) throw unfit(name, dtype, pixel, value);
      table[channel * 256 + pixel] = stored;
    }
  }
  return table;
}

function perChannel(
  given: number | readonly number[],
  key: string,
  name: string,
  channels: number,
): readonly number[] {
  const values = typeof given === 'number' ? [given] : given;
  if (values.length === 1) return Array.from({ length: channels }, () => values[0]!);
  if (values.length === channels) return values;
  throw new BitwrightError({
    code: 'DATA_CARD_VALUE',
    message: `'${key}' of input '${name}' has ${values.length} entries and the image has ${channels} channel${channels === 1 ? '' : 's'}.`,
    hint: 'Give one number for all channels, or one for each channel.',
    at: { value: name, option: `inputs.${name}.${key}` },
  });
}

function unfit(name: string, dtype: DType, pixel: number, value: number): BitwrightError {
  return new BitwrightError({
    code: 'DATA_INEXACT',
    message: `The pixel value ${pixel} becomes ${value} for input '${name}', and the model's ${dtype} input cannot hold that.`,
    hint: `Leave out rescale, mean and std: an input of type ${dtype} is mostly fed with the pixels 0..255 as they are.`,
    at: { value: name, option: `inputs.${name}.rescale` },
  });
}
