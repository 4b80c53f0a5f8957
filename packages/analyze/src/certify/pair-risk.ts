import { integerData, type Tensor } from '@bitwright/core';
import { predictPairSaturation } from '@bitwright/dialects';
import { constantTensor, nodeName, type OpNode } from '@bitwright/graph';
import type { SaturationRisk } from './certificate-document.js';
import { dequantizerOf, producerOf } from './file-graph.js';

const LIMIT = 32767;

/**
 * The risk of 16-bit pair saturation of a layer, as CPUs without VNNI add two u8 x s8 products: from the codes that lie in
 * the file, channel by channel, with the largest activation code that the file lets through. Undefined where the layer has
 * no quantized weights and input.
 */
export function pairRisk(node: OpNode): SaturationRisk | undefined {
  const layer = layerOf(node);
  if (layer === undefined) return undefined;
  const { weights, axis, largestInput } = layer;
  const identity = { node: nodeName(node), limit: LIMIT, largestInput };
  // unsigned weights are multiplied by another instruction, whose sums are exact
  if (weights.dtype !== 'int8') return { ...identity, worstPair: 0, codes: [0, 0], safe: true };
  let worst = { sum: 0, codes: [0, 0] as [number, number], channel: 0, safe: true };
  for (const [channel, codes] of channelsOf(weights, axis).entries()) {
    const { safe, worst: sum } = predictPairSaturation(codes, largestInput);
    if (Math.abs(sum) > Math.abs(worst.sum))
      worst = { ...worst, sum, codes: extremePair(codes, sum), channel };
    if (!safe) worst = { ...worst, safe: false };
  }
  return { ...identity, worstPair: worst.sum, codes: worst.codes, channel: worst.channel, safe: worst.safe };
}

interface QuantizedLayer {
  readonly weights: Tensor;
  readonly axis: number;
  readonly largestInput: number;
}

function layerOf(node: OpNode): QuantizedLayer | undefined {
  if (node.opType === 'QLinearConv' || node.opType === 'QGemm' || node.opType === 'QLinearMatMul') {
    const weights = constantTensor(node.inputs[3]);
    const axis = node.opType === 'QLinearConv' ? 0 : 1;
    return (
      weights && { weights, axis, largestInput: largestCode(node.inputs[0]?.producer as OpNode | undefined) }
    );
  }
  if (!['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].some((opType) => node.is(opType))) return undefined;
  const [input, weight] = [dequantizerOf(node.inputs[0]), dequantizerOf(node.inputs[1])];
  const weights = constantTensor(weight?.inputs[0]);
  if (input === undefined || weights === undefined || !/^u?int8$/.test(weights.dtype)) return undefined;
  const byRow = node.is('Conv') || (node.is('Gemm') && node.attributes.int('transB', 0) === 1);
  return { weights, axis: byRow ? 0 : 1, largestInput: largestCode(producerOf(input.inputs[0])) };
}

/** The largest code that a chain of code operators lets through. */
function largestCode(node: OpNode | undefined): number {
  if (node === undefined || !node.is('Clip')) return 255;
  const bound = constantTensor(node.inputs[2]);
  return bound === undefined ? 255 : Number(integerData(bound)[0]);
}

/** The codes that are summed into each output channel. */
function channelsOf(weights: Tensor, axis: number): Int32Array[] {
  const codes = Int32Array.from(integerData(weights));
  const channels = weights.dims[axis] ?? 1;
  if (axis === 0 || weights.dims.length !== 2)
    return Array.from({ length: channels }, (_, i) =>
      codes.subarray((i * codes.length) / channels, ((i + 1) * codes.length) / channels),
    );
  const rows = codes.length / channels;
  return Array.from({ length: channels }, (_, column) =>
    Int32Array.from({ length: rows }, (_, row) => codes[row * channels + column]!),
  );
}

/** The two largest codes, or the two smallest where the sum is negative. */
function extremePair(codes: Int32Array, sum: number): [number, number] {
  const sorted = codes.toSorted();
  return sum < 0 ? [sorted[0]!, sorted[1] ?? 0] : [sorted.at(-1)!, sorted.at(-2) ?? 0];
}
