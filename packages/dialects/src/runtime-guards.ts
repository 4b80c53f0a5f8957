import { DenseTensor, floatData, roundHalfEven } from '@bitwright/core';
import {
  constantTensor,
  type Graph,
  isQuantizer,
  nodeName,
  type OpNode,
  qparamsOf,
  type Value,
} from '@bitwright/graph';

/**
 * A float bias behind quantized weights is split off into an Add: the runtime would otherwise turn it into int32 at
 * s_x * s_w by itself, which is coarse at few bits (numerics, runtime trap 4).
 */
export function guardFloatBias(graph: Graph): void {
  for (const node of [...graph.ops()]) {
    const bias = node.inputs[2];
    if (
      !(node.is('Conv') || node.is('ConvTranspose') || node.is('Gemm')) ||
      constantTensor(bias) === undefined
    )
      continue;
    if (node.inputs[1]?.producer.kind !== 'op' || !node.inputs[1].producer.is('DequantizeLinear')) continue;
    const { dims } = constantTensor(bias)!;
    const channels = dims[0] ?? 1;
    const rank = constantRank(node.inputs[1].producer);
    const shape = node.is('Gemm') ? dims : [1, channels, ...Array<number>(rank - 2).fill(1)];
    const values = new DenseTensor('float', shape, constantTensor(bias)!.data());
    const output = node.outputs[0]!;
    const after = node.next!;
    const operand = graph.getAttr(`${bias!.name}_operand`, values, after);
    const add = graph.createOp({
      opType: 'Add',
      name: `${nodeName(node)}_bias`,
      inputs: [output, operand.output],
      outputs: [
        { name: graph.freshName(`${output.name}_biased`), ...(output.type && { type: output.type }) },
      ],
      before: after,
    });
    output.replaceAllUsesWith(add.output, new Set([add]));
    node.truncateInputs(2);
  }
}

/** The rank of dequantized weights, whose codes may go through a Cast. */
function constantRank(dequantizeNode: OpNode): number {
  const codes = dequantizeNode.inputs[0]!;
  const { producer } = codes;
  const stored = producer.kind === 'op' && producer.is('Cast') ? producer.inputs[0] : codes;
  return constantTensor(stored)?.dims.length ?? 2;
}

/**
 * Gives the constant of an Add behind a quantized MatMul a leading dimension of 1: as a plain vector the runtime would
 * merge it into a Gemm and quantize it as that one's bias.
 */
export function guardMatMulAdd(graph: Graph): void {
  for (const node of [...graph.ops()]) {
    if (!node.is('Add')) continue;
    for (const [index, operand] of node.inputs.entries()) {
      const tensor = constantTensor(operand);
      const other = node.inputs[1 - index]?.producer;
      if (tensor?.dims.length !== 1 || tensor.dtype !== 'float') continue;
      if (
        other?.kind !== 'op' ||
        !other.is('MatMul') ||
        other.inputs[1] === undefined ||
        !isDequantized(other.inputs[1])
      )
        continue;
      const row = new DenseTensor('float', [1, ...tensor.dims], tensor.data());
      node.setInput(index, graph.getAttr(`${operand!.name}_row`, row, node).output);
    }
  }
}

/**
 * Keeps weights float that were asked to stay float: behind a DequantizeLinear the runtime would quantize them to int8 by
 * itself (numerics, runtime trap 4). A Sum of one input, which no optimizer removes, hides the DequantizeLinear from it.
 */
export function guardFloatWeights(graph: Graph): void {
  for (const node of [...graph.ops()]) {
    if (!['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].some((opType) => node.is(opType))) continue;
    if (constantTensor(node.inputs[1])?.dtype !== 'float') continue;
    const input = node.inputs[0]!;
    if (!isDequantized(input)) continue;
    hideFrom(graph, node, 0);
  }
}

/**
 * Keeps the float input of a layer with quantized weights float: a MatMul or Gemm with dequantized weights would become a
 * MatMulNBits, which quantizes its input by itself (and is wrong with 2-bit weights).
 */
export function guardFloatInputs(graph: Graph): void {
  for (const node of [...graph.ops()]) {
    if (!node.is('MatMul') && !node.is('Gemm')) continue;
    const [input, weight] = node.inputs;
    if (weight !== undefined && isDequantized(weight) && !isDequantized(input!)) hideFrom(graph, node, 1);
  }
}

/** Puts a Sum of one input in front of a layer's operand: no optimizer removes it, so none sees what stands behind. */
function hideFrom(graph: Graph, node: OpNode, index: number): void {
  const value = node.inputs[index]!;
  const name = graph.freshName(`${value.name}_guarded`);
  const outputs = [{ name, ...(value.type && { type: value.type }) }];
  node.setInput(
    index,
    graph.createOp({ opType: 'Sum', name, inputs: [value], outputs, before: node }).output,
  );
}

/** Operators that the runtime moves a quantizer or dequantizer through. Flatten, Split and Gather are not among them. */
const PASSED = ['MaxPool', 'Reshape', 'Transpose', 'Squeeze', 'Unsqueeze', 'Slice', 'Identity'];

/** True for a dequantized value, also behind operators that the runtime moves a DequantizeLinear through. */
function isDequantized(value: Value): boolean {
  const { producer } = passed(value);
  return producer.kind === 'op' && producer.is('DequantizeLinear');
}

/** What stands in front of the operators that the runtime moves quantizers through. */
function passed(value: Value, only: (value: Value) => boolean = () => true): Value {
  let source = value;
  while (
    source.producer.kind === 'op' &&
    PASSED.some((opType) => (source.producer as OpNode).is(opType)) &&
    only(source)
  ) {
    source = source.producer.inputs[0]!;
  }
  return source;
}

/**
 * Takes out each Clip whose bounds the grid of the quantizer behind it enforces by itself, before anything is lowered. The
 * result is the same, but the runtime fails to load the model when a bound lies less than half a step inside of an 8-bit
 * grid, and keeps the layer float below 8 bits.
 *
 * Operators in between only move values or take their maximum, which saturation commutes with.
 */
export function dropRedundantClips(graph: Graph): void {
  const single = (value: Value): boolean => value.uses.size === 1;
  for (const node of [...graph.ops()]) {
    if (!isQuantizer(node) || qparamsOf(node).role !== 'activation') continue;
    const clipped = passed(node.inputs[0]!, single);
    const clip = clipped.producer;
    if (clip.kind !== 'op' || !clip.is('Clip') || !single(clipped)) continue;
    const [low, high] = [bound(clip, 1, -Infinity), bound(clip, 2, Infinity)];
    if (low === undefined || high === undefined) continue;
    const { scale, zeroPoint, quantMin, quantMax } = qparamsOf(node);
    const code = (value: number): number => roundHalfEven(Math.fround(value / scale[0]!)) + zeroPoint[0]!;
    if (code(low) > quantMin || code(high) < quantMax) continue;
    clipped.replaceAllUsesWith(clip.inputs[0]!);
    graph.eraseNode(clip);
  }
}

/** A bound of a Clip; undefined when it is not constant. */
function bound(clip: OpNode, index: number, absent: number): number | undefined {
  const operand = clip.inputs[index];
  if (operand === undefined) return absent;
  const tensor = constantTensor(operand);
  return tensor?.dtype === 'float' ? floatData(tensor)[0] : undefined;
}
