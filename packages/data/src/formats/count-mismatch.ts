import { BitwrightError } from '@bitwright/core';

/** Two files (or arrays) that should hold one entry a sample, and do not agree on how many there are: DATA_COUNT_MISMATCH. */
export function countMismatch(
  one: string,
  oneCount: number,
  other: string,
  otherCount: number,
): BitwrightError {
  return new BitwrightError({
    code: 'DATA_COUNT_MISMATCH',
    message: `'${one}' holds ${oneCount} samples and '${other}' holds ${otherCount}.`,
    hint: 'Each sample needs one entry in both: check that the files belong together.',
    at: { file: other },
  });
}
