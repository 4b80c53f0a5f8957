import type { DType } from '@bitwright/core';
import { constantTensor, type Graph, type OpNode, type Value } from '@bitwright/graph';

const INTEGERS: ReadonlySet<DType | undefined> = new Set<DType>([
  ...(['uint8', 'int8', 'uint16', 'int16', 'int32'] as const),
  ...(['uint4', 'int4', 'uint2', 'int2'] as const),
]);

/** The operator that makes a value; undefined for an input or a constant. */
export function producerOf(value: Value | undefined): OpNode | undefined {
  return value?.producer.kind === 'op' ? value.producer : undefined;
}

/** The DequantizeLinear that makes a value. */
export function dequantizerOf(value: Value | undefined): OpNode | undefined {
  const producer = producerOf(value);
  return producer?.opType === 'DequantizeLinear' ? producer : undefined;
}

/** The operators that read a value. */
export function readersOf(value: Value): OpNode[] {
  return [...value.uses].flatMap(({ node }) => (node.kind === 'op' ? [node] : []));
}

/** True for a Clip or Cast of codes, which belongs to a quantizer and not to the network. */
export function isOnCodes(node: OpNode): boolean {
  if (!node.is('Clip') && !node.is('Cast')) return false;
  return codesFrom(node.inputs[0]);
}

function codesFrom(value: Value | undefined): boolean {
  const constant = constantTensor(value);
  if (constant !== undefined) return INTEGERS.has(constant.dtype) && constant.dtype !== 'int32';
  const producer = producerOf(value);
  if (producer === undefined) return false;
  return producer.opType === 'QuantizeLinear' || (producer.is('Clip') && codesFrom(producer.inputs[0]));
}

/** True for the operators that write quantization and are no part of the network. */
export function isQuantization(node: OpNode): boolean {
  return node.opType === 'QuantizeLinear' || node.opType === 'DequantizeLinear' || isOnCodes(node);
}

/**
 * The nodes that the model's data goes through, quantization left out: neither what is computed from constants alone nor
 * arithmetic on shapes.
 */
export function dataNodes(graph: Graph): OpNode[] {
  const carries = new Set<Value>(graph.inputs);
  const found: OpNode[] = [];
  for (const node of graph.ops()) {
    if (node.is('Shape') || node.is('Size')) continue;
    if (!node.inputs.some((value) => value !== undefined && carries.has(value))) continue;
    for (const output of node.outputs) carries.add(output);
    if (!isQuantization(node)) found.push(node);
  }
  return found;
}

/** The element type of the codes that a QuantizeLinear makes or a DequantizeLinear reads. */
export function codeType(node: OpNode): DType | undefined {
  const zeroPoint = constantTensor(node.inputs[2])?.dtype;
  if (zeroPoint !== undefined) return zeroPoint;
  const codes = node.opType === 'DequantizeLinear' ? node.inputs[0] : node.outputs[0];
  return (
    constantTensor(codes)?.dtype ?? codes?.dtype ?? (node.opType === 'QuantizeLinear' ? 'uint8' : undefined)
  );
}
