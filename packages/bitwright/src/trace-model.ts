import { BitwrightError } from '@bitwright/core';
import { nodeName } from '@bitwright/graph';
import { type DotStep, type HardwareConfig, type OutputTrace, traceOutput } from '@bitwright/simulate';
import { type IntegerModel, interpretSamples, loadInteger } from './integer-model.js';
import type { ModelInput } from './model-file.js';
import type { DataInput } from './quantize-options.js';

/** Which output element is followed. */
export interface TraceModelOptions {
  /** Name of a convolution or product with constant weights. */
  readonly node: string;
  /** Index of the element, e.g. [0, 3, 5, 5]. */
  readonly output: readonly number[];
  readonly data: DataInput;
  /** Which sample of the data, from 0 on. */
  readonly sample?: number;
  readonly hardware?: string | HardwareConfig;
}

/** The integer arithmetic of one output element, product by product. */
export async function traceModel(model: ModelInput, options: TraceModelOptions): Promise<OutputTrace> {
  const integer = await loadInteger(model, options.hardware);
  const run = await interpretSamples(integer, options.data, options.sample ?? 0, 1);
  return traceOutput(integer.network, run, options.node, options.output);
}

/** Layers that are named where none was given. */
const NAMED = 4;

/** The words of a `trace` command behind the node, as they were given. */
export interface TraceWords {
  readonly output?: string;
  readonly data?: string;
  readonly sample?: string;
  readonly hardware?: string;
}

/** What to say where no node was given: some that there are, and the command for the first. @throws what loading the model throws. */
export async function nodeMissing(model: string, words: TraceWords): Promise<BitwrightError> {
  const integer = await loadInteger(model, words.hardware);
  const layers = integer.network.steps.filter((step): step is DotStep => step.kind === 'dot');
  const [first] = layers;
  const more = layers.length > NAMED ? ` and ${layers.length - NAMED} more` : '';
  const names = layers.slice(0, NAMED).map(({ name }) => `'${name}'`);
  const all = { output: first && firstIndex(integer, first), data: 'test.json', ...words };
  const { output, data, sample, hardware } = all;
  const given = Object.entries({ output, data, sample, hardware })
    .flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${shellWord(value)}`]))
    .join(' ');
  return new BitwrightError({
    code: 'OPTION_MISSING',
    message: 'The node is missing: it says which layer is followed.',
    hint:
      first === undefined
        ? 'The model has no convolution and no product with constant weights.'
        : `There are ${names.join(', ')}${more}. Write for example: bitwright trace ${shellWord(model)} ${shellWord(first.name)} ${given}`,
    at: { file: model, option: 'node' },
    kind: 'usage',
  });
}

/** A word of a command that is pasted into a shell: what a file calls its nodes is not to be run there. */
function shellWord(text: string): string {
  return /^[\w./:,=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The index of a layer's first output element. */
function firstIndex({ module }: IntegerModel, { name, window }: DotStep): string {
  const node = [...module.graph.allOps()].find((op) => nodeName(op) === name);
  const rank = window === undefined ? (node?.output.shape?.length ?? 2) : 2 + window.kernel.length;
  return Array(rank).fill(0).join(',');
}
