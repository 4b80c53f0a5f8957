import {
  DenseTensor,
  dequantizeTensor,
  floatData,
  quantGrid,
  quantizeTensor,
  rangeToQParams,
} from '@bitwright/core';
import type { Batch, SampleSource } from '@bitwright/data';
import { findDialect } from '@bitwright/dialects';
import { emitBytes } from '@bitwright/emit';
import {
  BITWRIGHT_DOMAIN,
  constantTensor,
  type GraphModule,
  isQuantizer,
  nodeName,
  type OpNode,
  qparamsOf,
  quantAttributes,
  setQParams,
  type Value,
} from '@bitwright/graph';
import { type FloatHistogram, weightQParams } from '@bitwright/quantize';
import type { Executor, OpenExecutor } from '@bitwright/runtime';
import { ChannelNoise } from './channel-noise.js';

const BITS = 8;
const SAMPLES = 8;
const BATCH = 4;
const SHOWN = 3;

/** What one layer's weights and input at 8 bits buy at the network's output, all other layers as they are. */
export interface Promotion {
  readonly layer: string;
  /** Signal-to-noise ratio of the output against the float network in dB, without and with it; null where nothing differs. */
  readonly before: number | null;
  readonly after: number | null;
  /** Bytes that the weights grow by, packed to their widths. */
  readonly bytes: number;
}

/** What promotions are tried on. */
export interface PromotionSubject {
  readonly float: GraphModule;
  /** The quantized graph of the private dialect. */
  readonly quantized: GraphModule;
  /** Layers to try, as node names. */
  readonly candidates: readonly string[];
  readonly observed: (tensor: string) => FloatHistogram | undefined;
  readonly data: SampleSource;
  readonly open: OpenExecutor;
}

/**
 * The layers whose promotion to 8 bits brings the network's first output nearest to that of the float network, the best
 * first. Each is tried by itself, in one model where it is switched on; codes of other layers stay, so that rounding them again might gain more.
 *
 * @returns at most three; none where no candidate is below 8 bits or the output holds no floats.
 */
export async function bestPromotions(subject: PromotionSubject): Promise<Promotion[]> {
  const { module, tried } = switched(subject);
  const names = [subject.float, module].map(({ graph }) => graph.outputs[0]!.name);
  if (tried.length === 0) return [];
  const { open, float, data } = subject;
  const reference = await open(emitBytes(float.clone(), { external: 'inline' }), { name: 'the float model' });
  const executor = await open(emitBytes(module, { external: 'inline' }), {
    mode: 'faithful',
    name: 'the quantized model with layers that can be promoted',
  });
  try {
    const noise = await measure(tried, { reference, executor, names }, data);
    const [before, ...after] = noise.map((sums) => sums.result?.all);
    if (before === undefined) return [];
    return tried
      .map(({ layer, bytes }, i): Promotion => ({ layer, before, after: after[i] ?? null, bytes }))
      .sort((a, b) => (b.after ?? Number.POSITIVE_INFINITY) - (a.after ?? Number.POSITIVE_INFINITY))
      .slice(0, SHOWN);
  } finally {
    await reference.release();
    await executor.release();
  }
}

interface Tried {
  readonly layer: string;
  readonly bytes: number;
  /** The model's input that switches it on. */
  readonly input: string;
}

interface Models {
  readonly reference: Executor;
  readonly executor: Executor;
  /** Of the first output of each. */
  readonly names: readonly string[];
}

async function measure(
  tried: readonly Tried[],
  { reference, executor, names }: Models,
  data: SampleSource,
): Promise<ChannelNoise[]> {
  const noise = [new ChannelNoise(), ...tried.map(() => new ChannelNoise())];
  let samples = 0;
  for await (const batch of data.batches(BATCH)) {
    const wanted = (await reference.run(batch.inputs, [names[0]!])).get(names[0]!)!;
    for (const [i, sums] of noise.entries()) {
      const found = await executor.run(feeds(batch, tried, i - 1), [names[1]!]);
      sums.add(wanted, found.get(names[1]!)!);
    }
    samples += batch.size;
    if (samples >= SAMPLES) break;
  }
  return noise;
}

function feeds({ inputs }: Batch, tried: readonly Tried[], on: number): Map<string, DenseTensor> {
  const switches = tried.map(
    ({ input }, i) => [input, new DenseTensor('bool', [], Uint8Array.of(i === on ? 1 : 0))] as const,
  );
  return new Map([...(inputs as ReadonlyMap<string, DenseTensor>), ...switches]);
}

/** The quantized model with an input for each candidate that takes it to 8 bits. */
function switched(subject: PromotionSubject): { readonly module: GraphModule; readonly tried: Tried[] } {
  const module = subject.quantized.clone();
  const { graph } = module;
  const floats = new Map([...subject.float.graph.ops()].map((node) => [nodeName(node), node]));
  const wanted = new Set(subject.candidates);
  const tried: Tried[] = [];
  for (const node of [...graph.ops()]) {
    const name = nodeName(node);
    const float = floats.get(name);
    if (!wanted.has(name) || float === undefined) continue;
    const places = narrowInputs(node);
    if (places.length === 0) continue;
    const type = { kind: 'tensor', dtype: 'bool', shape: [] } as const;
    const on = graph.placeholder(graph.freshName(`promote_${tried.length}`), type).output;
    let bytes = 0;
    for (const [index, quantizer] of places) {
      const weights = qparamsOf(quantizer).role === 'weight';
      const wide = weights
        ? wideWeights(node, float, index, quantizer)
        : wideInput(node, quantizer, subject.observed);
      if (wide === undefined) continue;
      const inputs = [on, wide, node.inputs[index]!];
      node.setInput(index, graph.createOp({ opType: 'Where', inputs, before: node }).output);
      if (weights) bytes = growth(quantizer);
    }
    tried.push({ layer: name, bytes, input: on.name });
  }
  module.opsets.set(BITWRIGHT_DOMAIN, 1);
  findDialect('qcdq', true).lower(module, {});
  return { module, tried };
}

/** The inputs of a layer with weights that stand behind a quantizer of fewer than 8 bits, its bias left out. */
function narrowInputs(node: OpNode): [number, OpNode][] {
  const found = [...node.inputs.entries()].flatMap(([index, value]): [number, OpNode][] =>
    isQuantizer(value?.producer) ? [[index, value.producer]] : [],
  );
  if (!found.some(([, quantizer]) => qparamsOf(quantizer).role === 'weight')) return [];
  return found.filter(([, quantizer]) => {
    const { role, bits } = qparamsOf(quantizer);
    return role !== 'bias' && bits < BITS;
  });
}

function growth(quantizer: OpNode): number {
  const tensor = constantTensor(quantizer.inputs[0])!;
  const elements = tensor.dims.reduce((product, size) => product * size, 1);
  return Math.ceil((elements * (BITS - qparamsOf(quantizer).bits)) / 8);
}

function wideWeights(node: OpNode, float: OpNode, index: number, quantizer: OpNode): Value | undefined {
  const tensor = constantTensor(float.inputs[index]);
  if (tensor?.dtype !== 'float') return undefined;
  const { axis } = qparamsOf(quantizer);
  const values = floatData(tensor);
  const qparams = weightQParams(values, tensor.dims, axis, quantGrid(BITS, true), {
    search: 'min-max',
    symmetric: true,
    powerOfTwo: false,
  });
  const rounded = dequantizeTensor(quantizeTensor(values, tensor.dims, qparams), tensor.dims, qparams);
  const { graph } = node;
  return graph.getAttr(graph.freshName('wide_weights'), new DenseTensor('float', tensor.dims, rounded), node)
    .output;
}

/** The layer's input on an 8-bit grid over all values that were seen, or over the range of the narrow grid. */
function wideInput(node: OpNode, quantizer: OpNode, observed: PromotionSubject['observed']): Value {
  const spec = qparamsOf(quantizer);
  const value = quantizer.inputs[0]!;
  const [step, zero] = [spec.scale[0]!, spec.zeroPoint[0]!];
  const seen = observed(value.name);
  const low = seen?.min ?? (spec.quantMin - zero) * step;
  const high = seen?.max ?? (spec.quantMax - zero) * step;
  const grid = quantGrid(BITS, false);
  const { scale, zeroPoint } = rangeToQParams(low, high, grid, { symmetric: false });
  const { graph } = node;
  const made = graph.createOp({
    opType: 'FakeQuantize',
    domain: BITWRIGHT_DOMAIN,
    name: graph.freshName(`${value.name}_wide_quantizer`),
    inputs: [value],
    attributes: quantAttributes({ role: 'activation', ...grid }).with({
      tensor: graph.freshName(`${value.name}_wide`),
    }),
    outputs: [{ name: graph.freshName(`${value.name}_wide_quantized`) }],
    before: node,
  });
  setQParams(made, { scale: Float32Array.of(scale), zeroPoint: Int32Array.of(zeroPoint) });
  return made.output;
}
