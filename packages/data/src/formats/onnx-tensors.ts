import { BitwrightError } from '@bitwright/core';
import { type Elements, elementKind } from '../arrays/elements.js';
import { putElements } from '../arrays/put-elements.js';
import type { OnnxTensorsCard, TensorFileInput } from '../data-card.js';
import type { NamedTensor } from '../data-host.js';
import { type Feed, newSlot, planFeed, shapeText } from '../feed.js';
import type { MatchedInput, ReaderContext, SampleReader } from '../sample-reader.js';
import { type TensorSet, tensorSets } from './tensor-sets.js';

/** A tensor and the file that holds it. */
interface FoundTensor {
  readonly path: string;
  readonly tensor: NamedTensor;
}

/**
 * Opens folders of TensorProto files (`input_0.pb`, `input_1.pb`, ...), one folder a sample, as ONNX test data has them.
 *
 * A tensor goes to the input that the card names its file for, else to the input of its own name, else `input_k.pb` goes to
 * the model's k-th input. A tensor usually has the model's whole shape, batch included, and is fed as it is.
 *
 * @throws DATA_NO_FILES for a folder without tensors, DATA_TENSOR_MISSING for an input without one, DATA_SHAPE, DATA_DTYPE,
 *   and what the decoder throws; each names the file.
 */
export async function openOnnxTensors(
  card: OnnxTensorsCard,
  inputs: readonly MatchedInput<TensorFileInput>[],
  context: ReaderContext,
): Promise<SampleReader> {
  const sets = await tensorSets(card, context);
  const read = (index: number): FoundTensor[] => readSet(sets[index]!, inputs, context);
  const feeds = read(0).map(({ path, tensor }, k) => feedOf(inputs[k]!, path, tensor));
  return {
    count: sets.length,
    feeds,
    hasLabels: false,
    describe: (index) => sets[index]!.name,
    start(order) {
      let position = 0;
      return {
        next(size) {
          const samples = Array.from(order.subarray(position, position + size), read);
          position += size;
          const tensors = feeds.map((feed, k) => {
            const column = samples.map((found) => found[k]!);
            const slot = newSlot(feed, size, column[0]!.tensor.dims);
            for (const [at, { path, tensor }] of column.entries()) {
              assertShape(feed, column[0]!, path, tensor);
              const offset = at * slot.stride;
              putElements(elementsOf(tensor, path), tensor.dtype, slot, offset, () => `'${path}'`, path);
            }
            return [feed.spec.name, slot.tensor] as const;
          });
          return { inputs: new Map(tensors), labels: new Array<undefined>(size).fill(undefined) };
        },
      };
    },
  };
}

/** The tensors of one sample in the order of the inputs. */
function readSet(
  set: TensorSet,
  inputs: readonly MatchedInput<TensorFileInput>[],
  { host }: ReaderContext,
): FoundTensor[] {
  const found = set.files.map((path): FoundTensor => {
    const source = host.source(path);
    return { path, tensor: host.decodeTensor(source.read(0, source.size), path) };
  });
  return inputs.map(({ spec, from }, k) => {
    const fileName = from.file ?? `input_${k}.pb`;
    const ofFile = found.find(({ path }) => baseName(path) === fileName);
    const ofName =
      from.file === undefined ? found.find(({ tensor }) => tensor.name === spec.name) : undefined;
    const only = inputs.length === 1 && found.length === 1 && from.file === undefined ? found[0] : undefined;
    const chosen = ofName ?? ofFile ?? only;
    if (chosen !== undefined) return chosen;
    throw new BitwrightError({
      code: 'DATA_TENSOR_MISSING',
      message: `'${set.name}' holds no tensor for the input '${spec.name}': none of that name, and no ${fileName}.`,
      hint: `Name the input's file in the card: "inputs": { "${spec.name}": { "file": "${fileName}" } }.`,
      at: { file: set.name, value: spec.name, option: `inputs.${spec.name}.file` },
    });
  });
}

function feedOf({ spec }: MatchedInput<TensorFileInput>, path: string, { dims }: NamedTensor): Feed {
  const whole = spec.shape?.length === dims.length;
  // a size that the model leaves open may differ from sample to sample
  const sample = dims.map((dim, i) => (whole && typeof spec.shape![i] !== 'number' ? undefined : dim));
  return planFeed(spec, sample, `'${path}'`, 'Give tensors of the shape that the model takes.');
}

function assertShape(feed: Feed, first: FoundTensor, path: string, { dims }: NamedTensor): void {
  const fits =
    dims.length === feed.sample.length &&
    dims.every((dim, i) => dim === (feed.sample[i] ?? (feed.mode === 'whole' ? dim : first.tensor.dims[i])));
  if (fits) return;
  throw new BitwrightError({
    code: 'DATA_SHAPE',
    message: `'${path}' has the shape ${shapeText(dims)}, and the input '${feed.spec.name}' takes ${shapeText(feed.sample)}.`,
    hint: 'Give tensors of the shape that the model takes.',
    at: { file: path, value: feed.spec.name },
  });
}

/** @throws DATA_DTYPE for strings and complex numbers. */
function elementsOf(tensor: NamedTensor, path: string): Elements {
  elementKind(tensor.dtype, path);
  return tensor.data() as Elements;
}

function baseName(path: string): string {
  return path.split(/[\\/]/).at(-1)!;
}
