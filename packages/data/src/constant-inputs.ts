import { BitwrightError, DenseTensor, elementCount, type Tensor } from '@bitwright/core';
import { elementKind } from './arrays/elements.js';
import type { ConstantInput } from './data-card.js';
import { type Feed, shapesAgree, shapeText } from './feed.js';
import type { InputSpec } from './input-spec.js';
import type { MatchedInput, SampleReader } from './sample-reader.js';

/** Adds inputs of a constant value to what a format's reader gives. */
export function withConstants(
  reader: SampleReader,
  constants: readonly MatchedInput<ConstantInput>[],
  card: string,
): SampleReader {
  if (constants.length === 0) return reader;
  const fixed = constants.map(({ spec, from }) => ({ name: spec.name, make: constant(spec, from, card) }));
  const feeds = constants.map(
    ({ spec, from }): Feed => ({ spec, sample: statedShape(spec, from.shape, card), mode: 'constant' }),
  );
  return {
    count: reader.count,
    hasLabels: reader.hasLabels,
    synthetic: reader.synthetic ?? false,
    feeds: [...reader.feeds, ...feeds],
    describe: (index) => reader.describe(index),
    ...(reader.labelOf && { labelOf: (index: number) => reader.labelOf?.(index) }),
    start(order) {
      const cursor = reader.start(order);
      return {
        async next(size) {
          const { inputs, labels } = await cursor.next(size);
          const all = new Map<string, Tensor>(inputs);
          for (const { name, make } of fixed) all.set(name, make());
          return { inputs: all, labels };
        },
        close: () => cursor.close?.(),
      };
    },
  };
}

/**
 * The shape of an input that the card makes up: the card's own, which must agree with the model's, or the model's.
 *
 * @throws DATA_SHAPE when the model leaves a dimension open and the card gives no shape, or when they disagree.
 */
export function statedShape(
  spec: InputSpec,
  given: readonly number[] | undefined,
  card: string,
): readonly number[] {
  const model = spec.shape;
  const at = { file: card, value: spec.name, option: `inputs.${spec.name}.shape` };
  if (given === undefined) {
    if (model?.every((dim) => typeof dim === 'number')) return model as readonly number[];
    throw new BitwrightError({
      code: 'DATA_SHAPE',
      message: `The model leaves the shape of input '${spec.name}' open (${shapeText(model)}) and the card gives none.`,
      hint: `Add "shape" to inputs.${spec.name} in the card.`,
      at,
    });
  }
  if (model === undefined || shapesAgree(model, given)) return given;
  throw new BitwrightError({
    code: 'DATA_SHAPE',
    message: `The card gives input '${spec.name}' the shape ${shapeText(given)}, and the model wants ${shapeText(model)}.`,
    hint: "Give the model's shape, with sizes in the place of open dimensions.",
    at,
  });
}

function constant(spec: InputSpec, from: ConstantInput, card: string): () => Tensor {
  const dims = statedShape(spec, from.shape, card);
  const kind = elementKind(spec.dtype, spec.name);
  const stored = kind.encode(from.value);
  if (stored === undefined) {
    throw new BitwrightError({
      code: 'DATA_INEXACT',
      message: `The value ${from.value} for input '${spec.name}' does not fit the model's type ${spec.dtype}.`,
      hint: 'Give a value that the type can hold.',
      at: { file: card, value: spec.name, option: `inputs.${spec.name}.value` },
    });
  }
  return () => {
    const data = kind.make(elementCount(dims));
    for (let i = 0; i < data.length; i++) data[i] = stored;
    return new DenseTensor(spec.dtype, dims, data);
  };
}
