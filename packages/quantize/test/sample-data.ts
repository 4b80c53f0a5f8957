import { DenseTensor, elementCount } from '@bitwright/core';
import type { Batch, SampleSource } from '@bitwright/data';

/**
 * Samples without labels, fed as x.
 *
 * @param dims of one sample.
 * @param fill makes the elements of a batch from the index of its first sample and their number.
 */
export function sampleData(
  count: number,
  dims: readonly number[],
  fill: (first: number, length: number) => Float32Array,
): SampleSource {
  return {
    name: 'card.json',
    count,
    hasLabels: false,
    synthetic: false,
    diagnostics: [],
    async *batches(batchSize) {
      for (let first = 0; first < count; first += batchSize) {
        const size = Math.min(batchSize, count - first);
        const data = fill(first, size * elementCount(dims));
        const batch: Batch = {
          inputs: new Map([['x', new DenseTensor('float', [size, ...dims], data)]]),
          labels: Array<undefined>(size).fill(undefined),
          size,
          first,
        };
        yield batch;
      }
    },
  };
}
