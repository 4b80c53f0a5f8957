import { BitwrightError } from '@bitwright/core';
import { isFloatType } from '../arrays/elements.js';
import { NpyArray } from '../arrays/npy-array.js';
import type { NpyLabel } from '../data-card.js';
import type { ReaderContext } from '../sample-reader.js';
import { countMismatch } from './count-mismatch.js';

/** The labels of an `.npy` file, one for each of `count` samples. @throws what {@link arrayLabels} throws. */
export function npyLabels(
  label: NpyLabel,
  count: number,
  { host, card }: ReaderContext,
): (index: number) => number {
  return arrayLabels(NpyArray.open(host.source(host.resolve(label.file))), count, card);
}

/**
 * The labels of an array of whole numbers of shape [N] or [N, 1].
 *
 * @param samples names what has `count` samples.
 * @throws DATA_LABEL for another type or shape or a negative label, DATA_COUNT_MISMATCH.
 */
export function arrayLabels(array: NpyArray, count: number, samples: string): (index: number) => number {
  const file = array.source.name;
  if (isFloatType(array.dtype) || array.rowLength !== 1 || array.shape.length === 0) {
    throw labelError(
      file,
      `holds ${array.dtype} of shape [${array.shape.join(', ')}]`,
      'Save labels as integers of shape [N].',
    );
  }
  if (array.rows !== count) throw countMismatch(samples, count, file, array.rows);
  const labels = Float64Array.from(array.readRows(0, count), Number);
  const negative = labels.findIndex((value) => value < 0);
  if (negative >= 0) {
    throw labelError(
      file,
      `holds ${labels[negative]} for sample ${negative}`,
      'Labels are class numbers from 0 on.',
    );
  }
  return (index) => labels[index]!;
}

function labelError(file: string, what: string, hint: string): BitwrightError {
  return new BitwrightError({
    code: 'DATA_LABEL',
    message: `The labels' array '${file}' ${what}.`,
    hint,
    at: { file, option: 'label' },
  });
}
