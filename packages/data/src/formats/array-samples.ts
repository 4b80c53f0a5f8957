import { type NpyArray, npyError, readNpyElements } from '../arrays/npy-array.js';
import { putElements } from '../arrays/put-elements.js';
import { newSlot, planFeed } from '../feed.js';
import type { InputSpec } from '../input-spec.js';
import type { SampleReader } from '../sample-reader.js';
import { Shards } from './shards.js';

/** The arrays of one model input; several follow each other. */
export interface ArrayInput {
  readonly spec: InputSpec;
  readonly arrays: readonly NpyArray[];
}

/**
 * A reader of arrays whose first dimension counts the samples.
 *
 * @param labels arrays of whole numbers, one a sample.
 * @throws DATA_NPY when the arrays do not hold the same number of samples, or arrays that follow each other differ in shape.
 */
export function arraySamples(
  inputs: readonly ArrayInput[],
  labels: readonly NpyArray[] | undefined,
): SampleReader {
  const columns = inputs.map(({ spec, arrays }) => {
    const [first] = arrays;
    const sample = first!.shape.slice(1);
    for (const array of arrays) {
      if (array.shape.slice(1).join() !== sample.join())
        throw npyError(array.source, `has another shape than '${first!.source.name}', which it follows`);
    }
    const shards = new Shards(arrays.map(({ shape }) => shape[0]!));
    return { arrays, shards, feed: planFeed(spec, sample, `'${first!.source.name}'`) };
  });
  const leading = columns[0]!;
  const { count } = leading.shards;
  for (const { arrays, shards } of columns) assertCount(arrays[0]!, shards.count, count, leading.arrays[0]!);
  const labelOf = labels && labelsOf(labels, count, leading.arrays[0]!);
  return {
    count,
    feeds: columns.map(({ feed }) => feed),
    hasLabels: labelOf !== undefined,
    ...(labelOf && { labelOf }),
    describe: (index) => describe(leading.arrays, leading.shards, index),
    start(order) {
      let position = 0;
      return {
        next(size) {
          const indices = order.subarray(position, position + size);
          position += size;
          const tensors = columns.map(({ arrays, shards, feed }) => {
            const slot = newSlot(feed, size);
            for (const [at, index] of indices.entries()) {
              const shard = shards.shardOf(index);
              const array = arrays[shard]!;
              const row = index - shards.startOf(shard);
              const elements = readNpyElements(array, row * slot.stride, slot.stride);
              const what = (): string => describe(arrays, shards, index);
              putElements(elements, array.dtype, slot, at * slot.stride, what, array.source.name);
            }
            return [feed.spec.name, slot.tensor] as const;
          });
          return { inputs: new Map(tensors), labels: Array.from(indices, (index) => labelOf?.(index)) };
        },
      };
    },
  };
}

function describe(arrays: readonly NpyArray[], shards: Shards, index: number): string {
  const shard = shards.shardOf(index);
  return `Sample ${index - shards.startOf(shard)} of '${arrays[shard]!.source.name}'`;
}

function labelsOf(labels: readonly NpyArray[], count: number, samples: NpyArray): (index: number) => number {
  const classes: number[] = [];
  for (const array of labels) {
    const { dtype, shape, source } = array;
    if (shape.length !== 1 || !/^u?int|^bool/.test(dtype))
      throw npyError(source, `holds ${dtype} values of shape [${shape.join(', ')}], not one class a sample`);
    for (const value of readNpyElements(array, 0, shape[0]!)) classes.push(Number(value));
  }
  assertCount(labels[0]!, classes.length, count, samples);
  return (index) => classes[index]!;
}

function assertCount(array: NpyArray, count: number, expected: number, other: NpyArray): void {
  if (count === expected) return;
  throw npyError(array.source, `holds ${count} samples, and '${other.source.name}' holds ${expected}`);
}
