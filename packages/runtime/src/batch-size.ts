import type { InputSpec } from '@bitwright/data';

const ELEMENTS_PER_BATCH = 2 ** 21;
const LARGEST_BATCH = 128;

/**
 * How many samples go into one run: the model's own batch where that is fixed, else as many as keep the inputs small.
 * It depends on the model alone, so that results don't depend on the machine.
 */
export function batchSizeFor(inputs: readonly InputSpec[]): number {
  let size = LARGEST_BATCH;
  for (const { shape } of inputs) {
    const [first, ...rest] = shape ?? [1];
    if (typeof first === 'number' && first > 0) return first;
    let elements = 1;
    for (const dim of rest) elements *= typeof dim === 'number' && dim > 0 ? dim : 1;
    size = Math.min(size, Math.max(1, Math.floor(ELEMENTS_PER_BATCH / elements)));
  }
  return size;
}
