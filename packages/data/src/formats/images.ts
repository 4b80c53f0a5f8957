import { BitwrightError, describeThrown } from '@bitwright/core';
import { cardPaths } from '../card-files.js';
import type { ImageFolderCard, ImageInput, ImagesCard } from '../data-card.js';
import type { DataHost, PixelImage } from '../data-host.js';
import { type Feed, newSlot, planFeed, type Slot, shapesAgree, shapeText } from '../feed.js';
import { ImagePipeline, stridedPixels } from '../image/image-pipeline.js';
import { type ImageFile, imageLabels } from '../image-labels.js';
import type { MatchedInput, ReaderContext, SampleCursor, SampleReader } from '../sample-reader.js';
import { imageFiles } from './image-files.js';
import { shapeHint } from './record-images.js';

/**
 * Opens image files, in any layout of folders or in one folder a class.
 *
 * @throws DATA_NO_FILES, DATA_SHAPE, DATA_LABEL; while reading DATA_IMAGE_UNREADABLE and DATA_IMAGE_SIZE, naming the image.
 */
export async function openImages(
  card: ImagesCard | ImageFolderCard,
  inputs: readonly MatchedInput<ImageInput>[],
  context: ReaderContext,
): Promise<SampleReader> {
  const files = imageFiles(await cardPaths(card, context), context);
  const labelOf = await imageLabels(card.label, files, context);
  const pipelines = inputs.map(({ spec, from }) => new ImagePipeline(spec, from));
  const feeds = pipelines.map((pipeline, i) => {
    const shape = pipeline.shapeOf(pipeline.size ?? {});
    return planFeed(pipeline.spec, shape, 'The card', shapeHint(pipeline.spec.shape, inputs[i]!.from));
  });
  return {
    count: files.length,
    feeds,
    hasLabels: labelOf !== undefined,
    ...(labelOf && { labelOf }),
    describe: (index) => files[index]!.path,
    start: (order) => new ImageCursor(order, files, pipelines, feeds, labelOf, context.host),
  };
}

/** Decodes a few images ahead of their turn, in order, and turns them into tensors. */
class ImageCursor implements SampleCursor {
  #taken = 0;
  #asked = 0;
  readonly #ahead: Promise<PixelImage>[] = [];

  constructor(
    readonly order: Uint32Array,
    readonly files: readonly ImageFile[],
    readonly pipelines: readonly ImagePipeline[],
    readonly feeds: readonly Feed[],
    readonly labelOf: ((index: number) => number | undefined) | undefined,
    readonly host: DataHost,
  ) {}

  async next(size: number) {
    let slots: readonly Slot[] | undefined;
    const labels: (number | undefined)[] = [];
    for (let row = 0; row < size; row++) {
      const index = this.order[this.#taken]!;
      const image = await this.#nextImage();
      const { path } = this.files[index]!;
      slots ??= this.#slots(size, image, path);
      for (let p = 0; p < this.pipelines.length; p++) this.#write(p, image, path, slots[p]!, row);
      labels.push(this.labelOf?.(index));
    }
    const inputs = new Map((slots ?? []).map((slot, p) => [this.feeds[p]!.spec.name, slot.tensor]));
    return { inputs, labels };
  }

  #nextImage(): Promise<PixelImage> {
    while (this.#asked < this.order.length && this.#asked <= this.#taken + this.host.concurrency) {
      const decoded = this.host.decoder.decode(this.files[this.order[this.#asked++]!]!.path);
      // An image that is never taken, because the consumer left or an earlier one failed, must not end the process.
      decoded.catch(describeThrown);
      this.#ahead.push(decoded);
    }
    this.#taken++;
    return this.#ahead.shift()!;
  }

  #slots(size: number, image: PixelImage, path: string): readonly Slot[] {
    return this.feeds.map((feed, p) => {
      if (!feed.sample.includes(undefined)) return newSlot(feed, size);
      const pipeline = this.pipelines[p]!;
      return newSlot(feed, size, pipeline.shapeOf(pipeline.outputSize(image, path)) as readonly number[]);
    });
  }

  #write(p: number, image: PixelImage, path: string, { data, stride }: Slot, row: number): void {
    const pipeline = this.pipelines[p]!;
    const shape = pipeline.shapeOf(pipeline.outputSize(image, path));
    const { spec, sample } = this.feeds[p]!;
    if (!shapesAgree(sample, shape)) {
      throw new BitwrightError({
        code: 'DATA_IMAGE_SIZE',
        message: `The image '${path}' (${image.width} x ${image.height}) gives ${shapeText(shape)} for input '${spec.name}', and the model wants ${shapeText(sample)}.`,
        hint: 'Give all images the size that the model wants with "resize" or "centerCrop" in the card.',
        at: { file: path, value: spec.name },
      });
    }
    pipeline.write(stridedPixels(image), 0, path, data, row * stride);
  }
}
