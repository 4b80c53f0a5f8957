import { channelLayout, dequantizeTensor, elementCount, floatData } from '@bitwright/core';
import { constantTensor, type Graph, nodeName, type OpNode } from '@bitwright/graph';
import { type LayerView, layerViews } from '../diff/layer-view.js';
import type { LayerNoise, NoiseViews } from './layer-noise.js';
import type { ReportLayer } from './report-document.js';

/** What is known of a layer beside its grids. */
export interface LayerFacts {
  readonly name: string;
  readonly pattern?: readonly string[];
  readonly float?: { readonly code: string; readonly reason: string };
}

/** The layers of a quantized graph, beside the float graph that it stands for. */
export function describeLayers(
  quantized: Graph,
  float: Graph,
  facts: readonly LayerFacts[],
  noise: ReadonlyMap<string, LayerNoise>,
): ReportLayer[] {
  const views = new Map(layerViews(quantized).map((view) => [view.name, view]));
  const nodes = new Map([...float.ops()].map((node) => [nodeName(node), node]));
  const graph = new Map([...quantized.ops()].map((node) => [nodeName(node), node]));
  return facts.flatMap((fact): ReportLayer[] => {
    const node = nodes.get(fact.name);
    if (node === undefined) return [];
    const view = views.get(fact.name);
    const macs = multiplications(node);
    const own = graph.get(fact.name);
    const input = own?.inputs[0]?.producer;
    return [
      {
        name: fact.name,
        opType: node.opType,
        ...(fact.pattern && { pattern: [...fact.pattern] }),
        ...(view?.input && input?.kind === 'op' && input.inputs[0] && { input: input.inputs[0].name }),
        ...(view?.output && { output: outputName(own!) }),
        ...(view?.weights && weightsOf(view.weights, node)),
        ...(view?.bias && { biasBits: view.bias.bits }),
        ...(fact.float && { float: fact.float }),
        ...noiseOf(noise.get(fact.name)),
        ...(macs !== undefined && { macs }),
        explanation: explain(fact, view),
      },
    ];
  });
}

/** The noise of a layer as the document has it: of its result as a whole, and channel by channel of its result and input. */
function noiseOf(noise: LayerNoise | undefined): Partial<ReportLayer> {
  if (noise === undefined) return {};
  const { isolated, cumulative } = noise.output;
  const inputs = noise.input.isolated;
  const channels = channelsOf(noise.output);
  return {
    ...(isolated && { isolated: isolated.all }),
    ...(cumulative && { cumulative: cumulative.all }),
    ...(channels && { channels }),
    ...(inputs && {
      inputNoise: {
        isolated: inputs.all,
        ...(noise.input.cumulative && { cumulative: noise.input.cumulative.all }),
        channels: channelsOf(noise.input)!,
        dead: { float: [...inputs.silent], quantized: [...inputs.silenced] },
      },
    }),
  };
}

function channelsOf({ isolated, cumulative }: NoiseViews): ReportLayer['channels'] {
  if (isolated === undefined && cumulative === undefined) return undefined;
  return {
    ...(isolated && { isolated: [...isolated.channels] }),
    ...(cumulative && { cumulative: [...cumulative.channels] }),
  };
}

/** The name of the tensor that the quantizer behind a node or its Relu sees. */
function outputName(node: OpNode): string {
  const [reader] = node.outputs[0]!.users();
  const activation = reader?.kind === 'op' && (reader.is('Relu') || reader.is('Clip')) ? reader : node;
  return activation.outputs[0]!.name;
}

function weightsOf(weights: NonNullable<LayerView['weights']>, node: OpNode): Pick<ReportLayer, 'weights'> {
  const tensor = node.inputs.map((value) => constantTensor(value)).find((found) => found?.dtype === 'float');
  const { bits, signed, quantMin, quantMax, axis, scale, zeroPoint, codes } = weights;
  if (tensor === undefined || codes === undefined || codes.length !== elementCount(tensor.dims)) return {};
  const values = floatData(tensor);
  const rounded = dequantizeTensor(codes, tensor.dims, weights);
  const { channels, inner } = channelLayout(tensor.dims, axis);
  const total = { signal: 0, noise: 0 };
  const stats = Array.from({ length: channels }, () => ({
    min: Infinity,
    max: -Infinity,
    signal: 0,
    noise: 0,
  }));
  for (let i = 0; i < values.length; i++) {
    const of = stats[Math.floor(i / inner) % channels]!;
    const value = values[i]!;
    of.min = Math.min(of.min, value);
    of.max = Math.max(of.max, value);
    of.signal += value * value;
    of.noise += (value - rounded[i]!) ** 2;
  }
  for (const { signal, noise } of stats)
    [total.signal, total.noise] = [total.signal + signal, total.noise + noise];
  const ratio = (of: { readonly signal: number; readonly noise: number }): number | null =>
    of.noise === 0 ? null : 10 * Math.log10(Math.max(of.signal, Number.MIN_VALUE) / of.noise);
  const used = new Set(codes);
  return {
    weights: {
      ...{ bits, signed, quantMin, quantMax },
      ...(axis !== undefined && { axis }),
      symmetric: zeroPoint.every((zero) => zero === 0),
      shape: [...tensor.dims],
      scale: Array.from(scale),
      zeroPoint: Array.from(zeroPoint),
      min: stats.map(({ min }) => min),
      max: stats.map(({ max }) => max),
      sqnr: stats.map(ratio),
      sqnrAll: ratio(total),
      unusedCodes: quantMax - quantMin + 1 - used.size,
      deadChannels: deadChannels(codes, zeroPoint, { channels, inner }),
    },
  };
}

/** Channels whose codes all stand for zero. */
function deadChannels(
  codes: Int32Array,
  zeroPoint: Int32Array,
  { channels, inner }: { readonly channels: number; readonly inner: number },
): number[] {
  const alive = new Set<number>();
  for (const [i, code] of codes.entries()) {
    const channel = Math.floor(i / inner) % channels;
    if (code !== zeroPoint[zeroPoint.length === 1 ? 0 : channel]) alive.add(channel);
  }
  return Array.from({ length: channels }, (_, i) => i).filter((i) => !alive.has(i));
}

/** Multiply-accumulates a sample, where the shapes are known. */
function multiplications(node: OpNode): number | undefined {
  const weight = constantTensor(node.inputs[1]);
  const shape = node.outputs[0]?.shape;
  if (weight === undefined || shape === undefined) return undefined;
  const elements = shape.slice(1).map((dim) => (typeof dim === 'number' ? dim : Number.NaN));
  const outputs = elementCount(elements);
  if (!Number.isSafeInteger(outputs)) return undefined;
  if (node.is('Conv')) return outputs * elementCount(weight.dims.slice(1));
  if (node.is('Gemm') || node.is('MatMul')) return elementCount(weight.dims);
  return undefined;
}

function explain(fact: LayerFacts, view: LayerView | undefined): string {
  if (fact.float !== undefined) return `It stays float: ${fact.float.reason} (${fact.float.code}).`;
  const parts = [
    view?.weights &&
      `weights of ${view.weights.bits} bits${view.weights.axis === undefined ? '' : ', one scale a channel'}`,
    view?.input && `input of ${view.input.bits} bits`,
    view?.output && `output of ${view.output.bits} bits`,
    view?.bias && `bias of ${view.bias.bits} bits`,
  ].filter((part) => part !== undefined);
  const group =
    fact.pattern !== undefined && fact.pattern.length > 1 ? ` as ${fact.pattern.join(' and ')}` : '';
  return parts.length === 0
    ? 'It moves values of its input, whose grid it keeps.'
    : `It is quantized${group}: ${parts.join('; ')}.`;
}
