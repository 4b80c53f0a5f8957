import { BitwrightError, DenseTensor, elementCount, type Tensor } from '@bitwright/core';
import { type Elements, elementKind } from './arrays/elements.js';
import type { InputSpec } from './input-spec.js';

/** How one model input is filled from samples. */
export interface Feed {
  readonly spec: InputSpec;
  /** The shape of one sample without a batch dimension; undefined stands for a size that varies. */
  readonly sample: readonly (number | undefined)[];
  /**
   * `row`: the model's first dimension counts samples. `whole`: a sample fills the input exactly.
   * `constant`: the same tensor for every batch.
   */
  readonly mode: 'row' | 'whole' | 'constant';
}

/** A shape as messages show it, e.g. `[N, 3, 32, 32]`; `?` stands for an unknown size. */
export function shapeText(shape: readonly (number | string | undefined)[] | undefined): string {
  return shape === undefined ? 'of any rank' : `[${shape.map((dim) => dim ?? '?').join(', ')}]`;
}

/** True when a sample's shape can stand where the model states this one; open dimensions match anything. */
export function shapesAgree(
  model: readonly (number | string | undefined)[],
  sample: readonly (number | undefined)[],
): boolean {
  return (
    model.length === sample.length &&
    sample.every((dim, i) => dim === undefined || typeof model[i] !== 'number' || model[i] === dim)
  );
}

/**
 * Decides how samples of a shape fill a model's input: as rows of a batch where the model has one dimension more, else whole.
 *
 * Sizes that the samples leave open are taken from the model where it states them.
 *
 * @param what names where the samples come from, e.g. `The image`.
 * @throws DATA_SHAPE with both shapes.
 */
export function planFeed(
  spec: InputSpec,
  sample: readonly (number | undefined)[],
  what: string,
  hint = "Change the card's sizes, channels or layout so that a sample has the shape that the model wants.",
): Feed {
  const model = spec.shape;
  if (model === undefined) return { spec, sample, mode: 'row' };
  if (shapesAgree(model.slice(1), sample) && model.length > 0) {
    return { spec, sample: completed(sample, model.slice(1)), mode: 'row' };
  }
  if (shapesAgree(model, sample)) return { spec, sample: completed(sample, model), mode: 'whole' };
  throw new BitwrightError({
    code: 'DATA_SHAPE',
    message: `${what} gives ${shapeText(sample)} a sample for input '${spec.name}', and the model wants ${shapeText(model)} (a batch first).`,
    hint,
    at: { value: spec.name },
  });
}

/** Storage for one batch of an input, to be filled and then sealed into a tensor. */
export interface Slot {
  readonly data: Elements;
  /** Elements from one sample to the next. */
  readonly stride: number;
  readonly tensor: Tensor;
}

/** Allocates the tensor of one batch. @param sample the shape of one sample, for feeds whose samples vary. */
export function newSlot(feed: Feed, size: number, sample = feed.sample as readonly number[]): Slot {
  const stride = elementCount(sample);
  const dims = feed.mode === 'row' ? [size, ...sample] : sample;
  const data = elementKind(feed.spec.dtype, feed.spec.name).make(elementCount(dims));
  return { data, stride, tensor: new DenseTensor(feed.spec.dtype, dims, data) };
}

/**
 * The batch size that the feeds together force; undefined when any will do.
 *
 * An open batch is filled only for a model with a single input whose samples all have one shape: everything else is fed one
 * sample at a time.
 *
 * @throws DATA_SHAPE when the inputs want different numbers of samples at a time.
 */
export function forcedBatchSize(feeds: readonly Feed[]): number | undefined {
  let forced: number | undefined;
  for (const feed of feeds) {
    if (feed.mode === 'constant') continue;
    const wanted = feed.mode === 'whole' ? 1 : (feed.spec.shape?.[0] ?? undefined);
    if (typeof wanted !== 'number') continue;
    if (forced !== undefined && forced !== wanted) {
      throw new BitwrightError({
        code: 'DATA_SHAPE',
        message: `The input '${feed.spec.name}' takes ${wanted} sample${wanted === 1 ? '' : 's'} at a time and another input of the model takes ${forced}.`,
        hint: 'Give arrays whose samples fill each input exactly (one dimension more than the model states).',
        at: { value: feed.spec.name },
      });
    }
    forced = wanted;
  }
  const varying = feeds.find((feed) => feed.sample.includes(undefined));
  if (forced === undefined) return feeds.length === 1 && varying === undefined ? undefined : 1;
  if (forced > 1 && varying !== undefined) {
    throw new BitwrightError({
      code: 'DATA_SHAPE',
      message: `The input '${varying.spec.name}' takes ${forced} samples at a time, and the samples may differ in size.`,
      hint: "Give the images one size with 'resize' or 'centerCrop'.",
      at: { value: varying.spec.name },
    });
  }
  return forced;
}

function completed(
  sample: readonly (number | undefined)[],
  model: readonly (number | string | undefined)[],
): readonly (number | undefined)[] {
  return sample.map((dim, i) => dim ?? (typeof model[i] === 'number' ? model[i] : undefined));
}
