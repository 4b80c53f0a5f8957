import { floatData, floatTensor, LazyTensor } from '@bitwright/core';
import type { GetAttrNode, GraphModule, OpNode, Value } from '@bitwright/graph';
import { Rejection } from '@bitwright/rewrite';
import { type BatchNormConstants, batchNormAffine, notFloat } from './channel-affine.js';

/** How far activations reach beyond their mean, in standard deviations; those of real networks have heavy tails. */
const TAIL = 5;

/** The largest factor between a channel and the mean of all, where the factor costs the next layer's weights something. */
const LARGEST_FACTOR = 16;

/**
 * Gives the channels around batch normalizations one range, so that one scale a tensor fits all of them: cross-layer
 * equalization (M. Nagel et al., "Data-free quantization through weight equalization and bias correction", ICCV 2019), with the
 * ranges that the normalization itself states, |beta| + 5 |gamma|. In place, equal in exact arithmetic, no operator changes.
 *
 *     conv(W, gamma x' + beta)      = conv(W f, (gamma / f) x' + beta / f)      behind it, through a MaxPool: f > 0 a channel
 *     s relu(V u + b) + t           = s f relu((V / f) u + b / f) + t           before it, where a Relu keeps it from folding
 *
 * In front of a depthwise convolution, and of the normalization itself, f costs nothing, because each channel of weights has a
 * scale of its own: f is the range. In front of a dense convolution it is shared with the weights: f = sqrt(range / reach of
 * the channel's weights), at most 16. All f have the geometric mean 1. Rounded once to float32.
 *
 * @returns the normalizations beside which something changed.
 */
export function equalizeBatchNorms(module: GraphModule): OpNode[] {
  const changed: OpNode[] = [];
  for (const bn of [...module.graph.ops()]) {
    if (bn.opType !== 'BatchNormalization' || bn.domain !== '') continue;
    const constants = constantsOf(bn);
    if (constants === undefined) continue;
    if (batchNormAffine(bn, constants) instanceof Rejection) continue;
    const behind = evenBehind(bn, constants);
    // with the parameters that the step before has left
    const before = evenBefore(bn, constantsOf(bn)!);
    if (behind || before) changed.push(bn);
  }
  return changed;
}

function evenBehind(bn: OpNode, { gamma, beta }: BatchNormConstants): boolean {
  const conv = layerBehind(bn.outputs[0]!);
  const weight = conv && constantInput(conv, 1);
  if (weight === undefined || notFloat(weight) !== undefined) return false;
  const ranges = statedRanges(gamma, beta);
  const [out = 0, ofGroup = 0] = weight.tensor.dims;
  const groups = conv!.attributes.int('group', 1);
  const isDepthwise = ofGroup === 1 && groups === ranges.length && out % groups === 0;
  if (!isDepthwise && (groups !== 1 || ofGroup !== ranges.length)) return false;
  const inner = weight.tensor.dims.slice(2).reduce((product, size) => product * size, 1);
  const channelOf = (i: number): number =>
    isDepthwise ? Math.floor(i / (inner * (out / groups))) : Math.floor(i / inner) % ofGroup;
  const factors = isDepthwise ? balanced(ranges) : sharedFactors(ranges, floatData(weight.tensor), channelOf);
  scaleInput(bn, 1, (value, channel) => value / factors[channel]!);
  scaleInput(bn, 2, (value, channel) => value / factors[channel]!);
  scaleInput(conv!, 1, (value, i) => value * factors[channelOf(i)]!);
  return true;
}

function evenBefore(bn: OpNode, constants: BatchNormConstants): boolean {
  const relu = soleMaker(bn.inputs[0]!, 'Relu');
  const conv = relu && soleMaker(relu.inputs[0]!, 'Conv');
  const weight = conv && constantInput(conv, 1);
  if (weight === undefined || notFloat(weight) !== undefined) return false;
  const bias = conv!.inputs[2] === undefined ? undefined : constantInput(conv!, 2);
  if (conv!.inputs[2] !== undefined && (bias === undefined || notFloat(bias) !== undefined)) return false;
  const affine = batchNormAffine(bn, constants);
  if (affine instanceof Rejection || weight.tensor.dims[0] !== affine.scale.length) return false;
  const ranges = statedRanges(constants.gamma, constants.beta);
  for (let c = 0; c < ranges.length; c++) ranges[c] = ranges[c]! / Math.abs(affine.scale[c]!);
  const factors = balanced(ranges);
  const inner = weight.tensor.dims.slice(1).reduce((product, size) => product * size, 1);
  scaleInput(conv!, 1, (value, i) => value / factors[Math.floor(i / inner)]!);
  if (bias !== undefined) scaleInput(conv!, 2, (value, channel) => value / factors[channel]!);
  // gamma (x - mean) stays as it was when x and the mean shrink and gamma grows
  scaleInput(bn, 1, (value, channel) => value * factors[channel]!);
  scaleInput(bn, 3, (value, channel) => value / factors[channel]!);
  return true;
}

/** The convolution that alone reads a value, perhaps behind a MaxPool. */
function layerBehind(value: Value): OpNode | undefined {
  const reader = soleReader(value);
  if (reader?.opType === 'MaxPool' && reader.outputs.length === 1) return layerBehind(reader.outputs[0]!);
  return reader?.opType === 'Conv' && reader.inputs[0] === value ? reader : undefined;
}

function soleReader(value: Value): OpNode | undefined {
  const [use] = value.uses;
  if (use === undefined || value.uses.size !== 1 || value.isReturned) return undefined;
  const { node } = use;
  return node.kind === 'op' && node.domain === '' && node.graph === value.producer.graph ? node : undefined;
}

function soleMaker(value: Value, opType: string): OpNode | undefined {
  const { producer } = value;
  const isIt = producer.kind === 'op' && producer.opType === opType && producer.domain === '';
  return isIt && soleReader(value) !== undefined ? producer : undefined;
}

function constantsOf(bn: OpNode): BatchNormConstants | undefined {
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((index) => constantInput(bn, index));
  if (gamma === undefined || beta === undefined || mean === undefined || variance === undefined)
    return undefined;
  return { gamma, beta, mean, variance };
}

function constantInput(node: OpNode, index: number): GetAttrNode | undefined {
  const producer = node.inputs[index]?.producer;
  return producer?.kind === 'get_attr' && producer.graph === node.graph ? producer : undefined;
}

function statedRanges(gamma: GetAttrNode, beta: GetAttrNode): Float64Array {
  const shifts = floatData(beta.tensor);
  return Float64Array.from(
    floatData(gamma.tensor),
    (spread, c) => Math.abs(shifts[c]!) + TAIL * Math.abs(spread),
  );
}

/** Factors for a dense layer: each channel's range over the reach of the weights that read it, its square root. */
function sharedFactors(
  ranges: Float64Array,
  weights: Float32Array,
  channelOf: (i: number) => number,
): Float64Array {
  const reach = new Float64Array(ranges.length);
  for (const [i, weight] of weights.entries()) {
    const channel = channelOf(i);
    reach[channel] = Math.max(reach[channel]!, Math.abs(weight));
  }
  const factors = balanced(ranges.map((range, c) => Math.sqrt(range / reach[c]!)));
  return factors.map((factor) => Math.min(Math.max(factor, 1 / LARGEST_FACTOR), LARGEST_FACTOR));
}

/** Divided by their geometric mean; 1 for a channel of no range, or of one beyond all measure. */
function balanced(ranges: Float64Array): Float64Array {
  const isUsable = (range: number): boolean => range > 1e-12 && range < 1e12;
  let logs = 0;
  let count = 0;
  for (const range of ranges) {
    if (!isUsable(range)) continue;
    logs += Math.log(range);
    count++;
  }
  const mean = Math.exp(logs / Math.max(count, 1));
  return ranges.map((range) => (isUsable(range) ? range / mean : 1));
}

/** Gives a node a constant of its own in the place of one, with every element mapped. */
function scaleInput(node: OpNode, index: number, map: (value: number, i: number) => number): void {
  const before = constantInput(node, index)!;
  const { tensor, output } = before;
  const scaled =
    tensor.dims.length === 1
      ? floatTensor(floatData(tensor).map(map))
      : new LazyTensor('float', tensor.dims, () => floatData(tensor).map(map));
  const made = node.graph.getAttr(output.name, scaled, node);
  node.setInput(index, made.output);
  if (output.uses.size > 0) return;
  const { name } = output;
  node.graph.eraseNode(before);
  node.graph.rename(made.output, name);
}
