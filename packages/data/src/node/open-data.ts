import { dirname } from 'node:path';
import { BitwrightError, type Diagnostic, describeThrown } from '@bitwright/core';
import { readFileBytes } from '@bitwright/core/node';
import { CardSource } from '../card-source.js';
import { withConstants } from '../constant-inputs.js';
import type {
  ConstantInput,
  DataCard,
  ImageInput,
  NpyInput,
  NpzInput,
  RandomInput,
  TensorFileInput,
} from '../data-card.js';
import { forcedBatchSize } from '../feed.js';
import { openCifar10 } from '../formats/cifar10.js';
import { openIdx } from '../formats/idx.js';
import { openImages } from '../formats/images.js';
import { openNpy } from '../formats/npy.js';
import { openNpz } from '../formats/npz.js';
import { openOnnxTensors } from '../formats/onnx-tensors.js';
import { openRandom } from '../formats/random.js';
import type { InputSpec } from '../input-spec.js';
import { matchInputs } from '../match-inputs.js';
import { parseCard } from '../parse-card.js';
import type { MatchedInput, ReaderContext, SampleReader } from '../sample-reader.js';
import type { DataServices, OpenDataOptions, SampleSource } from '../sample-source.js';
import { selectSamples } from '../select-samples.js';
import { nodeHost } from './node-host.js';

/** Opens a data card file for a model's inputs. Relative paths are relative to the card. @throws DATA_CARD_INVALID and what the formats throw. */
export async function openDataCard(
  path: string,
  inputs: readonly InputSpec[],
  options: OpenDataOptions & DataServices,
): Promise<SampleSource> {
  const text = new TextDecoder().decode(readFileBytes(path));
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (thrown) {
    throw new BitwrightError({
      code: 'DATA_CARD_INVALID',
      message: `The data card '${path}' is not JSON: ${describeThrown(thrown)}.`,
      hint: 'A data card is a small JSON file; see docs/reference/data-cards.md.',
      at: { file: path },
      cause: thrown,
    });
  }
  return open(await parseCard(raw, path), path, dirname(path), inputs, options);
}

/** Opens a data card that is in memory; its relative paths are relative to `baseFolder`. */
export async function openData(
  card: DataCard,
  inputs: readonly InputSpec[],
  options: OpenDataOptions & DataServices & { readonly baseFolder: string },
): Promise<SampleSource> {
  return open(await parseCard(card, 'data card'), 'data card', options.baseFolder, inputs, options);
}

async function open(
  card: DataCard,
  name: string,
  baseFolder: string,
  specs: readonly InputSpec[],
  options: OpenDataOptions & DataServices,
): Promise<SampleSource> {
  const context: ReaderContext = { card: name, host: nodeHost(baseFolder, options.decodeTensor) };
  const matched = matchInputs<object>(card.inputs ?? unnamedInputs(specs), specs, name);
  const constants = matched.filter(({ from }) => 'value' in from) as MatchedInput<ConstantInput>[];
  const moving = matched.filter(({ from }) => !('value' in from));
  const reader = withConstants(await namingCard(name, openReader(card, moving, context)), constants, name);
  const forced = forcedBatchSize(reader.feeds);
  const selected = selectSamples(
    reader.count,
    card,
    options.samples ?? options.defaultSamples,
    name,
    options.samples === undefined,
  );
  const diagnostics: Diagnostic[] = [...selected.diagnostics];
  if (options.labels === 'needed' && !reader.hasLabels) {
    throw new BitwrightError({
      code: 'DATA_LABELS_MISSING',
      message: `The data of '${name}' has no labels, and accuracy needs them.`,
      hint: 'Say in the card where labels come from ("label").',
      at: { file: name, option: 'label' },
    });
  }
  let { order } = selected;
  const rest = forced === undefined ? 0 : order.length % forced;
  if (rest > 0) {
    order = order.slice(0, order.length - rest);
    diagnostics.push({
      code: 'DATA_LEFT_OUT',
      severity: 'warning',
      message: `The model takes ${forced} samples at a time, so the last ${rest} of '${name}' are left out.`,
      at: { file: name },
    });
  }
  return new CardSource(name, reader, order, forced, diagnostics);
}

/** What a card says that leaves `inputs` out: each input is filled by the format's own default. */
function unnamedInputs(specs: readonly InputSpec[]): Record<string, object> {
  return Object.fromEntries(specs.map(({ name }) => [name, {}]));
}

/** Adds the card to what an error names, where it names no file yet. */
async function namingCard<T>(name: string, opening: Promise<T>): Promise<T> {
  return opening.catch((thrown: unknown) => {
    if (!(thrown instanceof BitwrightError) || thrown.at.file !== undefined) throw thrown;
    const { code, message, hint, at, kind, cause } = thrown;
    throw new BitwrightError({ code, message, hint, kind, cause, at: { ...at, file: name } });
  });
}

async function openReader(
  card: DataCard,
  inputs: readonly MatchedInput<object>[],
  context: ReaderContext,
): Promise<SampleReader> {
  switch (card.format) {
    case 'cifar10-binary':
      return openCifar10(card, inputs as readonly MatchedInput<ImageInput>[], context);
    case 'idx':
      return openIdx(card, inputs as readonly MatchedInput<ImageInput>[], context);
    case 'images':
    case 'image-folder':
      return openImages(card, inputs as readonly MatchedInput<ImageInput>[], context);
    case 'npy':
      return openNpy(card, inputs as readonly MatchedInput<NpyInput>[], context);
    case 'random':
      return openRandom(card, inputs as readonly MatchedInput<RandomInput>[], context);
    case 'npz':
      return openNpz(card, inputs as readonly MatchedInput<NpzInput>[], context);
    case 'onnx-tensors':
      return openOnnxTensors(card, inputs as readonly MatchedInput<TensorFileInput>[], context);
  }
}
