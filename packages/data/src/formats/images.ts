import { BitwrightError } from '@bitwright/core';
import { cardPaths } from '../card-files.js';
import type { ImageFolderCard, ImageInput, ImagesCard } from '../data-card.js';
import { newSlot, planFeed } from '../feed.js';
import { ImagePipeline, stridedPixels } from '../image/image-pipeline.js';
import type { MatchedInput, ReaderContext, SampleBlock, SampleReader } from '../sample-reader.js';
import { type LabelOf, labelsOf } from './image-labels.js';
import { shapeHint } from './record-images.js';

const IMAGE_NAME = /\.(jpe?g|png|webp|gif|tiff?|bmp|avif)$/i;

/** Opens image files; a few are decoded at a time, and only one batch is held. @throws DATA_NO_FILES, DATA_SHAPE and what labels throw. */
export async function openImages(
  card: ImagesCard | ImageFolderCard,
  inputs: readonly MatchedInput<ImageInput>[],
  context: ReaderContext,
): Promise<SampleReader> {
  const paths = await imagePaths(card, context);
  const labelOf = labelsOf(card, paths, context);
  const pipelines = inputs.map(({ spec, from }) => new ImagePipeline(spec, from));
  const first = pipelines.some((pipeline) => pipeline.size === undefined)
    ? await context.host.decoder.decode(paths[0]!)
    : undefined;
  const feeds = pipelines.map((pipeline, i) => {
    const { spec, from } = inputs[i]!;
    const size = pipeline.size ?? pipeline.outputSize(first!, paths[0]!);
    return planFeed(spec, pipeline.shapeOf(size), 'The card', shapeHint(spec.shape, from));
  });
  const read = async (indices: Uint32Array): Promise<SampleBlock> => {
    const slots = feeds.map((feed) => newSlot(feed, indices.length));
    const one = async (at: number): Promise<void> => {
      const path = paths[indices[at]!]!;
      const image = await context.host.decoder.decode(path);
      for (const [p, pipeline] of pipelines.entries()) {
        const { data, stride } = slots[p]!;
        const size = pipeline.outputSize(image, path);
        if (pipeline.channels * size.width * size.height !== stride) throw otherSize(path, context.card);
        pipeline.write(stridedPixels(image), 0, path, data, at * stride);
      }
    };
    for (let at = 0; at < indices.length; at += context.host.concurrency) {
      const together = Math.min(context.host.concurrency, indices.length - at);
      await Promise.all(Array.from({ length: together }, (_, i) => one(at + i)));
    }
    const labels = Array.from(indices, (index) => labelOf?.(index));
    return { inputs: new Map(slots.map((slot, i) => [feeds[i]!.spec.name, slot.tensor])), labels };
  };
  return {
    count: paths.length,
    feeds,
    hasLabels: labelOf !== undefined,
    ...(labelOf && { labelOf: labelOf satisfies LabelOf }),
    describe: (index) => paths[index]!,
    start(order) {
      let position = 0;
      return {
        next(size) {
          const indices = order.subarray(position, position + size);
          position += size;
          return read(indices);
        },
      };
    },
  };
}

async function imagePaths(
  card: ImagesCard | ImageFolderCard,
  context: ReaderContext,
): Promise<readonly string[]> {
  const found = await cardPaths(card, context);
  const inside = (folder: string): string[] =>
    context.host
      .children(folder)
      .flatMap((entry) =>
        entry.isFolder ? inside(entry.path) : IMAGE_NAME.test(entry.path) ? [entry.path] : [],
      );
  const paths = found.flatMap((entry) => (entry.isFolder ? inside(entry.path) : [entry.path]));
  if (paths.length > 0) return paths;
  throw new BitwrightError({
    code: 'DATA_NO_FILES',
    message: `The card '${context.card}' finds no images.`,
    hint: 'Check "files" or "list"; paths are relative to the card.',
    at: { file: context.card, option: 'files' },
  });
}

function otherSize(path: string, card: string): BitwrightError {
  return new BitwrightError({
    code: 'DATA_SHAPE',
    message: `The image '${path}' has another size than the ones before it ('${card}').`,
    hint: 'Give all images one size with "resize", or with "shorterSide" and "centerCrop".',
    at: { file: path },
  });
}
