import { BitwrightError, type DType } from '@bitwright/core';
import type { Slot } from '../feed.js';
import { convertElements, type Elements } from './elements.js';

/**
 * Puts the elements of one sample into a batch, in the type of the model's input.
 *
 * @param what names the sample, e.g. `Sample 3 of 'x.npy'`; only called when something is wrong.
 * @throws DATA_NOT_FINITE for NaN and infinity, DATA_INEXACT for a number that the type cannot hold; both name the element.
 */
export function putElements(
  from: Elements,
  fromType: DType,
  slot: Slot,
  offset: number,
  what: () => string,
  file: string,
): void {
  const fault = convertElements(from, fromType, slot.data, offset, slot.tensor.dtype);
  if (fault === undefined) return;
  if (fault.reason === 'not finite') {
    throw new BitwrightError({
      code: 'DATA_NOT_FINITE',
      message: `${what()} holds ${Number.isNaN(fault.value) ? 'NaN' : 'infinity'} at element ${fault.index}.`,
      hint: 'Mend the data: no range can be told from it.',
      at: { file },
    });
  }
  throw new BitwrightError({
    code: 'DATA_INEXACT',
    message: `${what()} holds ${fault.value} at element ${fault.index}, and the model's ${slot.tensor.dtype} input cannot hold that.`,
    hint: "Save the data in the type of the model's input.",
    at: { file },
  });
}
