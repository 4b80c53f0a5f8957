import { floatData } from '@bitwright/core';
import { constantTensor, nodeName, type OpNode, type Value } from '@bitwright/graph';
import { readsPadding } from './channel-moments.js';

/** A layer that reads channels behind linear operators, and can make up for a constant that they lack. */
export interface BiasTaker {
  readonly node: OpNode;
  /** What its bias must grow by when its input channels are smaller by so much; undefined where the channels are others. */
  share(moved: Float64Array): Float64Array | undefined;
}

/** Operators through which a constant of a channel passes as it is. */
const TRANSPARENT = new Set([
  'Identity',
  'Dropout',
  'MaxPool',
  'GlobalMaxPool',
  'GlobalAveragePool',
  'AveragePool',
  'Flatten',
  'Add',
]);

/** The layers that take up what a value's channels lose, all of its readers; or why one of them cannot. */
export function takersOf(value: Value): BiasTaker[] | string {
  const takers: BiasTaker[] = [];
  const seen = new Set<OpNode>();
  const stack = [value];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (at.isReturned) return `'${at.name}' is an output of the model`;
    for (const { node, index } of at.uses) {
      if (node.kind !== 'op' || node.graph !== value.producer.graph)
        return `'${at.name}' is read by another graph`;
      if (seen.has(node)) return `'${nodeName(node)}' reads it twice`;
      seen.add(node);
      const refused = node.is('Conv') || node.is('Gemm') ? cannotTake(node, index) : cannotPass(node);
      if (refused !== undefined) return refused;
      if (node.is('Conv') || node.is('Gemm')) takers.push({ node, share: (moved) => shareOf(node, moved) });
      else stack.push(node.outputs[0]!);
    }
  }
  return takers.length > 0 ? takers : 'no layer reads it';
}

function cannotTake(node: OpNode, index: number): string | undefined {
  const name = `'${nodeName(node)}'`;
  const [, weight, bias] = node.inputs;
  if (index !== 0 || constantTensor(weight)?.dtype !== 'float')
    return `the weights of ${name} are no constants`;
  if (bias !== undefined && (constantTensor(bias)?.dtype !== 'float' || bias.uses.size > 1))
    return `the bias of ${name} is not its own`;
  if (node.is('Conv'))
    return readsPadding(node) ? `${name} pads with zeros, which would lack the constant` : undefined;
  const { attributes } = node;
  const isPlain =
    attributes.int('transA', 0) === 0 &&
    attributes.float('alpha', 1) === 1 &&
    attributes.float('beta', 1) === 1;
  return isPlain && constantTensor(bias)?.dims.length === 1 ? undefined : `${name} is not x W + b`;
}

function cannotPass(node: OpNode): string | undefined {
  const name = `'${nodeName(node)}' (${node.opType})`;
  if (node.domain !== '' || !TRANSPARENT.has(node.opType))
    return `${name} reads it, and does not pass a constant on`;
  if (node.outputs.slice(1).some((output) => output.uses.size > 0)) return `${name} has other results`;
  if (node.is('AveragePool') && readsPadding(node))
    return `${name} pads with zeros, which would lack the constant`;
  if (node.is('Flatten') && node.attributes.int('axis', 1) !== 1) return `${name} mixes channels`;
  return undefined;
}

/** Sum of weights times constants, for each output channel; the columns of a Gemm may be channels with their places. */
function shareOf(node: OpNode, moved: Float64Array): Float64Array | undefined {
  const { dims, ...tensor } = {
    dims: constantTensor(node.inputs[1])!.dims,
    data: floatData(constantTensor(node.inputs[1])!),
  };
  const isRowMajor = node.is('Conv') || node.attributes.int('transB', 0) === 1;
  const rows = isRowMajor ? dims[0]! : dims[1]!;
  const columns = tensor.data.length / rows;
  const groups = node.attributes.int('group', 1);
  const channels = moved.length / groups;
  const taps = columns / channels;
  if (!Number.isInteger(taps) || (node.is('Conv') && dims[1] !== channels)) return undefined;
  const share = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const first = Math.floor(row / (rows / groups)) * channels;
    for (let k = 0; k < columns; k++) {
      const weight = tensor.data[isRowMajor ? row * columns + k : k * rows + row]!;
      share[row]! += weight * moved[first + Math.floor(k / taps)]!;
    }
  }
  return share;
}
