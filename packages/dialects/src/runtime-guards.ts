import { DenseTensor } from '@bitwright/core';
import { constantTensor, type Graph, nodeName, type OpNode, type Value } from '@bitwright/graph';

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

function constantRank(dequantizeNode: OpNode): number {
  return constantTensor(dequantizeNode.inputs[0])?.dims.length ?? 2;
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

/** True for a dequantized value, also behind operators that the runtime moves a DequantizeLinear through. */
function isDequantized(value: Value): boolean {
  let { producer } = value;
  while (
    producer.kind === 'op' &&
    ['MaxPool', 'Reshape', 'Transpose', 'Flatten', 'Squeeze', 'Unsqueeze', 'Slice'].includes(producer.opType)
  ) {
    producer = producer.inputs[0]!.producer;
  }
  return producer.kind === 'op' && producer.is('DequantizeLinear');
}
