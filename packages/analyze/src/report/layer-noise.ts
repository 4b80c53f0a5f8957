import type { Tensor } from '@bitwright/core';
import type { Batch, SampleSource } from '@bitwright/data';
import { findDialect } from '@bitwright/dialects';
import { emitBytes } from '@bitwright/emit';
import {
  BITWRIGHT_DOMAIN,
  type GraphModule,
  isQuantizer,
  nodeName,
  type OpNode,
  qparamsOf,
  quantAttributes,
  setQParams,
  type Value,
} from '@bitwright/graph';
import type { OpenExecutor } from '@bitwright/runtime';
import { ChannelNoise, type NoiseOfTensor } from './channel-noise.js';

// inputs and results of every layer are held, twice
const BATCH = 4;
const MEASURED: ReadonlySet<string> = new Set([
  'Conv',
  'ConvTranspose',
  'Gemm',
  'MatMul',
  'Add',
  'Concat',
  'Mul',
]);

/** Noise of one tensor: when this layer alone is quantized, and with everything before it. */
export interface NoiseViews {
  readonly isolated?: NoiseOfTensor;
  readonly cumulative?: NoiseOfTensor;
}

/** The noise of a layer's result before its own quantizer, and of its first input behind its quantizer. */
export interface LayerNoise {
  readonly output: NoiseViews;
  readonly input: NoiseViews;
}

/** What noise is measured on. */
export interface NoiseSubject {
  /** The float model behind the passes. */
  readonly float: GraphModule;
  /** The quantized graph of the private dialect, and the file that it became. */
  readonly quantized: GraphModule;
  readonly file: GraphModule;
  readonly names: readonly string[];
  readonly data: SampleSource;
  readonly open: OpenExecutor;
}

/**
 * The noise of each layer against the float network, channel by channel. What a layer does by itself, with its quantized
 * weights, bias and inputs on the float model's activations, is measured in one model that holds each layer twice; what
 * comes with all before it in the file as it is written.
 */
export async function layerNoise(subject: NoiseSubject): Promise<Map<string, LayerNoise>> {
  const { file, data, open } = subject;
  const names = new Set(subject.names);
  const alone = twins(subject, names);
  const whole = wholeFile(file, names);
  const sums = new Map([...alone.plain.keys()].map((name) => [name, new Sums()]));
  if (sums.size === 0) return new Map();
  const first = await open(alone.bytes, {
    mode: 'faithful',
    name: 'the float model with each layer quantized beside it',
  });
  const second = await open(whole.bytes, { mode: 'faithful', name: 'the quantized model with its layers' });
  try {
    for await (const batch of data.batches(BATCH)) {
      const left = await first.run(batch.inputs);
      const right = await second.run(batch.inputs);
      for (const [name, of] of sums) {
        const plain = read(alone.plain.get(name), left, batch);
        of.add(plain, read(alone.rounded.get(name), left, batch), read(whole.places.get(name), right, batch));
      }
    }
  } finally {
    await first.release();
    await second.release();
  }
  return new Map([...sums].map(([name, of]) => [name, of.result]));
}

/** Names of a layer's input and result. */
interface Places {
  readonly input?: string;
  readonly output?: string;
}

interface PlaceOf {
  readonly input?: Value;
  readonly output: Value;
}

interface PlaceValues {
  readonly input?: Tensor;
  readonly output?: Tensor;
}

function read(
  places: Places | undefined,
  results: ReadonlyMap<string, Tensor>,
  { inputs }: Batch,
): PlaceValues {
  const get = (name: string | undefined): Tensor | undefined =>
    name === undefined ? undefined : (results.get(name) ?? inputs.get(name));
  const [input, output] = [get(places?.input), get(places?.output)];
  return { ...(input && { input }), ...(output && { output }) };
}

/** The four comparisons of a layer. */
class Sums {
  readonly #input = { isolated: new ChannelNoise(), cumulative: new ChannelNoise() };
  readonly #output = { isolated: new ChannelNoise(), cumulative: new ChannelNoise() };

  add(plain: PlaceValues, alone: PlaceValues, whole: PlaceValues): void {
    for (const [sums, place] of [[this.#input, 'input'] as const, [this.#output, 'output'] as const]) {
      const wanted = plain[place];
      if (wanted === undefined) continue;
      if (alone[place]) sums.isolated.add(wanted, alone[place]);
      if (whole[place]) sums.cumulative.add(wanted, whole[place]);
    }
  }

  get result(): LayerNoise {
    const views = ({ isolated, cumulative }: Record<keyof NoiseViews, ChannelNoise>): NoiseViews => {
      const [own, all] = [isolated.result, cumulative.result];
      return { ...(own && { isolated: own }), ...(all && { cumulative: all }) };
    };
    return { output: views(this.#output), input: views(this.#input) };
  }
}

/** The file with the layers' inputs and results as outputs. */
function wholeFile(
  file: GraphModule,
  names: ReadonlySet<string>,
): { readonly bytes: Uint8Array; readonly places: ReadonlyMap<string, Places> } {
  const copy = file.clone();
  const { graph } = copy;
  const places = new Map<string, Places>();
  const wanted = new Set<Value>();
  const isFloat = (value: Value): boolean => value.dtype === undefined || value.dtype === 'float';
  for (const node of graph.ops()) {
    const [output] = node.outputs;
    const [input] = node.inputs;
    if (output === undefined || !names.has(nodeName(node)) || !isFloat(output)) continue;
    const reads = input !== undefined && input.producer.kind !== 'get_attr' && isFloat(input);
    places.set(nodeName(node), { output: output.name, ...(reads && { input: input.name }) });
    wanted.add(output);
    if (reads && input.producer.kind === 'op') wanted.add(input);
  }
  graph.setOutputs([...wanted]);
  return { bytes: emitBytes(copy, { external: 'inline' }), places };
}

/** The float model with a quantized twin of each layer on the same float inputs, and where both stand. */
function twins(
  { float, quantized }: NoiseSubject,
  names: ReadonlySet<string>,
): {
  readonly bytes: Uint8Array;
  readonly plain: ReadonlyMap<string, Places>;
  readonly rounded: ReadonlyMap<string, Places>;
} {
  const module = float.clone();
  const { graph } = module;
  const own = new Map([...quantized.graph.ops()].map((node) => [nodeName(node), node]));
  const plain = new Map<string, PlaceOf>();
  const copies = new Map<string, PlaceOf>();
  for (const node of [...graph.ops()]) {
    const name = nodeName(node);
    if (!names.has(name) || node.outputs.length !== 1) continue;
    plain.set(name, { output: node.output });
    const twin = own.get(name);
    if (!MEASURED.has(node.opType) || !twin?.inputs.some((value) => isQuantizer(value?.producer))) continue;
    const copy = quantizedTwin(node, twin);
    const [input, behind] = [node.inputs[0], copy.inputs[0]];
    const reads = input !== undefined && behind !== undefined && behind !== input;
    copies.set(name, { output: copy.output, ...(reads && { input: behind }) });
    if (reads) plain.set(name, { output: node.output, input });
  }
  const places = [...plain.values(), ...copies.values()].flatMap(({ input, output }) => [output, input]);
  const order = [...new Set(places)].filter((value) => value?.producer.kind === 'op') as Value[];
  graph.setOutputs(order);
  module.opsets.set(BITWRIGHT_DOMAIN, 1);
  findDialect('qcdq', true).lower(module, {});
  // a dialect lets values of its own stand for those of quantizers, and for results behind a bias that it adds apart
  const named = (value: Value): string => graph.outputs[order.indexOf(value)]?.name ?? value.name;
  const inNames = (of: ReadonlyMap<string, PlaceOf>): Map<string, Places> =>
    new Map(
      [...of].map(([name, { input, output }]) => [
        name,
        { output: named(output), ...(input && { input: named(input) }) },
      ]),
    );
  return {
    bytes: emitBytes(module, { external: 'inline' }),
    plain: inNames(plain),
    rounded: inNames(copies),
  };
}

/** A copy of a node with the quantizers of its twin on its inputs. */
function quantizedTwin(node: OpNode, twin: OpNode): OpNode {
  const { graph } = node;
  const copy = graph.createOp({
    opType: node.opType,
    domain: node.domain,
    name: graph.freshName(`${nodeName(node)}_alone`),
    inputs: node.inputs,
    outputs: [{ name: graph.freshName(`${node.output.name}_alone`) }],
    before: node,
  });
  copy.attributes = node.attributes;
  for (const [index, value] of twin.inputs.entries())
    if (isQuantizer(value?.producer)) quantizeInput(copy, index, value.producer);
  return copy;
}

/** Puts a copy of a quantizer in front of one input of a layer; constants come with their codes. */
function quantizeInput(node: OpNode, index: number, quantizer: OpNode): void {
  const { graph } = node;
  const qparams = qparamsOf(quantizer);
  const constant = quantizer.inputs[0]!.producer;
  const value =
    constant.kind === 'get_attr'
      ? graph.getAttr(`${quantizer.inputs[0]!.name}_alone`, constant.tensor, node).output
      : node.inputs[index]!;
  const made = graph.createOp({
    opType: 'FakeQuantize',
    domain: BITWRIGHT_DOMAIN,
    name: graph.freshName(`${value.name}_quantizer_alone`),
    inputs: [value],
    attributes: quantAttributes(qparams).with({ tensor: graph.freshName(`${value.name}_alone`) }),
    outputs: [{ name: graph.freshName(`${value.name}_quantized_alone`) }],
    before: node,
  });
  setQParams(made, qparams);
  node.setInput(index, made.output);
}
