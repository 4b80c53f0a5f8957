import { BitwrightError } from '@bitwright/core';
import { type ConversionFault, convertElements } from '../arrays/elements.js';
import type { NpyArray } from '../arrays/npy-array.js';
import { type Feed, newSlot, planFeed, shapeText } from '../feed.js';
import type { InputSpec } from '../input-spec.js';
import type { SampleReader } from '../sample-reader.js';
import { countMismatch } from './count-mismatch.js';
import { Shards } from './shards.js';

/** The arrays that fill one input, one file behind the other. */
export interface ArrayInput {
  readonly spec: InputSpec;
  readonly shards: readonly NpyArray[];
}

/** Labels of the samples by their index. */
export type ArrayLabels = (index: number) => number;

const ELEMENTS_PER_READ = 1 << 18;

/**
 * A reader of arrays whose first dimension counts the samples.
 *
 * @throws DATA_SHAPE, DATA_COUNT_MISMATCH; while reading DATA_NOT_FINITE and DATA_INEXACT, naming the file and the sample.
 */
export function arrayReader(inputs: readonly ArrayInput[], labelOf: ArrayLabels | undefined): SampleReader {
  const feeds = inputs.map(arrayFeed);
  const shards = inputs.map(({ shards: arrays }) => new Shards(arrays.map((array) => array.rows)));
  const count = shards[0]?.count ?? 0;
  shards.forEach((other, i) => {
    if (other.count === count) return;
    throw countMismatch(
      inputs[0]!.shards[0]!.source.name,
      count,
      inputs[i]!.shards[0]!.source.name,
      other.count,
    );
  });
  const describe = (index: number) => {
    const shard = shards[0]?.shardOf(index) ?? 0;
    return `${inputs[0]?.shards[shard]?.source.name} (sample ${index - (shards[0]?.startOf(shard) ?? 0)})`;
  };
  return {
    count,
    feeds,
    hasLabels: labelOf !== undefined,
    ...(labelOf && { labelOf }),
    describe,
    start(order) {
      let position = 0;
      return {
        next(size) {
          const tensors = feeds.map((feed, i) =>
            readFeed(feed, inputs[i]!.shards, shards[i]!, order, position, size),
          );
          const labels = Array.from({ length: size }, (_, i) => labelOf?.(order[position + i]!));
          position += size;
          return { inputs: new Map(tensors.map((tensor, i) => [feeds[i]!.spec.name, tensor])), labels };
        },
      };
    },
  };
}

function arrayFeed({ spec, shards }: ArrayInput): Feed {
  const [first, ...others] = shards;
  const sample = first!.shape.slice(1);
  for (const other of others) {
    if (shapeText(other.shape.slice(1)) === shapeText(sample)) continue;
    throw new BitwrightError({
      code: 'DATA_SHAPE',
      message: `'${other.source.name}' holds ${shapeText(other.shape)} and '${first!.source.name}' holds ${shapeText(first!.shape)}: only the first dimension may differ.`,
      hint: 'Save all files of an input with samples of the same shape.',
      at: { file: other.source.name, value: spec.name },
    });
  }
  return planFeed(
    spec,
    sample,
    `'${first!.source.name}' (shape ${shapeText(first!.shape)}, samples first)`,
    'Save the array with the samples in the first dimension and then the shape that the model wants.',
  );
}

function readFeed(
  feed: Feed,
  arrays: readonly NpyArray[],
  shards: Shards,
  order: Uint32Array,
  from: number,
  size: number,
) {
  const slot = newSlot(feed, size);
  const longest = Math.max(1, Math.floor(ELEMENTS_PER_READ / Math.max(1, slot.stride)));
  shards.forEachRun(order, from, size, longest, (shard, first, count, at) => {
    const array = arrays[shard]!;
    const rows = array.readRows(first, count);
    const bad = convertElements(rows, array.dtype, slot.data, at * slot.stride, feed.spec.dtype);
    if (bad !== undefined)
      throw conversionError(feed.spec, array, bad, first + Math.floor(bad.index / slot.stride));
  });
  return slot.tensor;
}

function conversionError(
  spec: InputSpec,
  array: NpyArray,
  bad: ConversionFault,
  sample: number,
): BitwrightError {
  const file = array.source.name;
  const at = { file, value: spec.name };
  if (bad.reason === 'not finite') {
    return new BitwrightError({
      code: 'DATA_NOT_FINITE',
      message: `Sample ${sample} of '${file}' for input '${spec.name}' holds ${bad.value}, which is no number to calibrate or evaluate with.`,
      hint: 'Take NaN and infinities out of the data.',
      at,
    });
  }
  return new BitwrightError({
    code: 'DATA_INEXACT',
    message: `Sample ${sample} of '${file}' for input '${spec.name}' holds ${bad.value} (${array.dtype}), which the model's ${spec.dtype} input cannot hold exactly.`,
    hint: `Save the array as ${spec.dtype}.`,
    at,
  });
}
