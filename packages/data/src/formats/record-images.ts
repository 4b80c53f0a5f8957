import type { ByteSource } from '@bitwright/core';
import type { ImageInput } from '../data-card.js';
import { type Feed, newSlot, planFeed } from '../feed.js';
import { ImagePipeline, type StridedPixels } from '../image/image-pipeline.js';
import type { MatchedInput, SampleBlock, SampleReader } from '../sample-reader.js';
import { Shards } from './shards.js';

/** A file of images of one size in records of one length. */
export interface RecordFile {
  readonly source: ByteSource;
  readonly count: number;
  /** Where the first record begins. */
  readonly start: number;
}

/** How the pixels lie in each record. */
export interface RecordLayout extends Omit<StridedPixels, 'bytes'> {
  readonly bytes: number;
  /** Where the pixels begin in a record. */
  readonly pixels: number;
}

/** Reads the labels of records that lie one behind the other; `records` are their bytes. */
export type RecordLabels = (
  file: number,
  first: number,
  count: number,
  records: Uint8Array,
  out: (number | undefined)[],
  at: number,
) => void;

const BYTES_PER_READ = 1 << 20;

/**
 * A reader of raw images in records (CIFAR, idx).
 *
 * It reads by ranges of at most a megabyte, so its memory does not depend on the number of samples, and writes straight into
 * the batch through a table of the 256 values a pixel can become.
 *
 * @throws DATA_SHAPE, and what `ImagePipeline` throws.
 */
export function recordImages(
  files: readonly RecordFile[],
  layout: RecordLayout,
  inputs: readonly MatchedInput<ImageInput>[],
  labels: RecordLabels | undefined,
): SampleReader {
  const shards = new Shards(files.map((file) => file.count));
  const describe = (index: number) => {
    const shard = shards.shardOf(index);
    return `${files[shard]!.source.name} (record ${index - shards.startOf(shard)})`;
  };
  const pipelines = inputs.map(({ spec, from }) => new ImagePipeline(spec, from));
  const feeds = pipelines.map((pipeline, i) =>
    imageFeed(pipeline, inputs[i]!, layout, files[0]!.source.name),
  );
  const longest = Math.max(1, Math.floor(BYTES_PER_READ / layout.bytes));
  const read = (order: Uint32Array, from: number, size: number): SampleBlock => {
    const slots = feeds.map((feed) => newSlot(feed, size));
    const found = new Array<number | undefined>(size).fill(undefined);
    shards.forEachRun(order, from, size, longest, (shard, first, count, at) => {
      const file = files[shard]!;
      const bytes = file.source.read(file.start + first * layout.bytes, count * layout.bytes);
      const image = { ...layout, bytes };
      for (let p = 0; p < pipelines.length; p++) {
        const { data, stride } = slots[p]!;
        for (let i = 0; i < count; i++) {
          pipelines[p]!.write(
            image,
            i * layout.bytes + layout.pixels,
            file.source.name,
            data,
            (at + i) * stride,
          );
        }
      }
      labels?.(shard, first, count, bytes, found, at);
    });
    return { inputs: new Map(slots.map((slot, i) => [feeds[i]!.spec.name, slot.tensor])), labels: found };
  };
  return {
    count: shards.count,
    feeds,
    hasLabels: labels !== undefined,
    describe,
    start(order) {
      let position = 0;
      return {
        next(size) {
          const block = read(order, position, size);
          position += size;
          return block;
        },
      };
    },
  };
}

function imageFeed(
  pipeline: ImagePipeline,
  { spec, from }: MatchedInput<ImageInput>,
  layout: RecordLayout,
  file: string,
): Feed {
  const size = pipeline.outputSize(layout, file);
  const hint = shapeHint(spec.shape, from);
  return planFeed(spec, pipeline.shapeOf(size), 'The card', hint);
}

/** What to change in a card whose images do not have the shape that the model wants. */
export function shapeHint(
  model: readonly (number | string | undefined)[] | undefined,
  input: ImageInput,
): string {
  const channel = input.layout === 'NHWC' ? model?.at(-1) : model?.at(-3);
  const swapped = input.layout === 'NHWC' ? model?.at(-3) : model?.at(-1);
  const channels = input.channels === 'grey' ? 1 : 3;
  if (channel !== channels && swapped === channels) {
    return `Set "layout": "${input.layout === 'NHWC' ? 'NCHW' : 'NHWC'}" in the card.`;
  }
  if (channel === 1 && channels === 3) return 'Set "channels": "grey" in the card.';
  if (channel === 3 && channels === 1) return 'Leave "channels": "grey" out of the card.';
  return 'Give the size that the model wants with "resize" ([height, width]) or "centerCrop" in the card.';
}
