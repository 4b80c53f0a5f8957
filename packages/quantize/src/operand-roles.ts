import type { Tensor } from '@bitwright/core';
import { constantTensor, type OpNode } from '@bitwright/graph';

/** Why a node stays float; every code is explained in the reference of errors. */
export interface FloatReason {
  readonly code: string;
  readonly reason: string;
}

/** Which inputs of an operator hold what. */
export interface OperandRoles {
  /** Which input holds weights, and the bias; undefined for operators without. */
  readonly weightInput?: number;
  readonly biasInput?: number;
  /** Inputs that carry activations. */
  readonly activationInputs: readonly number[];
}

/** Operators with weights: which inputs are weight and bias. */
const WEIGHTED: Readonly<Record<string, { weight: number; bias?: number }>> = {
  Conv: { weight: 1, bias: 2 },
  ConvTranspose: { weight: 1, bias: 2 },
  Gemm: { weight: 1, bias: 2 },
  MatMul: { weight: 1 },
};

/** Operators whose inputs behind the first are parameters (shapes, bounds, axes), not activations. */
const FIRST_INPUT_ONLY = new Set([
  'Clip',
  'Reshape',
  'Slice',
  'Squeeze',
  'Unsqueeze',
  'Split',
  'Pad',
  'Resize',
  'Gather',
  'Expand',
  'Tile',
  'ReduceMean',
  'PRelu',
]);

/** How a table's pattern names an operator: its type, with its domain where that is not the standard one. */
export function operatorName({ domain, opType }: OpNode): string {
  return domain === '' ? opType : `${domain}.${opType}`;
}

/** Tells weights, bias and activations of an operator apart, or why it can't be quantized. */
export function operandRoles(node: OpNode): OperandRoles | FloatReason {
  const known = node.domain === '' ? WEIGHTED[node.opType] : undefined;
  if (known === undefined) {
    const count = FIRST_INPUT_ONLY.has(node.opType) ? 1 : node.inputs.length;
    const activationInputs = [...Array(count).keys()].filter((index) => node.inputs[index] !== undefined);
    const moving = activationInputs.filter((index) => constantTensor(node.inputs[index]) === undefined);
    return moving.length === 0
      ? { code: 'FLOAT_CONSTANT', reason: 'all of its inputs are constants' }
      : { activationInputs };
  }
  if (
    node.is('Gemm') &&
    (node.attributes.float('alpha', 1) !== 1 || node.attributes.float('beta', 1) !== 1)
  ) {
    return { code: 'FLOAT_GEMM_SCALED', reason: 'its alpha or beta is not 1' };
  }
  const weight = constantTensor(node.inputs[known.weight]);
  if (weight === undefined) {
    if (node.is('MatMul')) return { activationInputs: [0, 1] };
    return { code: 'FLOAT_WEIGHT_NOT_CONSTANT', reason: 'its weights are computed, not constant' };
  }
  if (weight.dtype !== 'float') return { code: 'FLOAT_DTYPE', reason: `its weights are ${weight.dtype}` };
  const bias = known.bias === undefined ? undefined : constantTensor(node.inputs[known.bias]);
  const isVector =
    bias !== undefined &&
    bias.dtype === 'float' &&
    bias.dims.length === 1 &&
    !isBroadcast(node, weight, bias);
  return {
    weightInput: known.weight,
    activationInputs: [0],
    ...(isVector && known.bias !== undefined && { biasInput: known.bias }),
  };
}

/** True for an operator with constant weights. */
export function hasWeights(node: OpNode): boolean {
  const known = node.domain === '' ? WEIGHTED[node.opType] : undefined;
  return known !== undefined && constantTensor(node.inputs[known.weight]) !== undefined;
}

/** True for a Gemm whose bias is one number for all outputs, while scales may be one for each. */
function isBroadcast(node: OpNode, weight: Tensor, bias: Tensor): boolean {
  const outputs = weight.dims[node.attributes.int('transB', 0) === 1 ? 0 : 1];
  return node.is('Gemm') && bias.dims[0] !== outputs;
}

/** The axis of a weight's output channels; undefined where one scale must serve the whole tensor. */
export function weightChannelAxis(node: OpNode, rank: number): number | undefined {
  switch (node.opType) {
    case 'Conv':
      return 0;
    case 'ConvTranspose':
      return node.attributes.int('group', 1) === 1 ? 1 : undefined;
    case 'Gemm':
      return node.attributes.int('transB', 0) === 1 ? 0 : 1;
    default:
      return rank === 2 ? 1 : undefined;
  }
}

/**
 * The activation inputs that a table's `quantizedInputs` names. `residual` is the rule of an addition that ends a
 * residual block: the operand that a convolution makes for this addition alone stays as it is, so that the two fuse, and
 * the other one, the shortcut, is quantized. Where both are such, the first is left; where neither is, both are quantized.
 */
export function chosenInputs(
  node: OpNode,
  inputs: readonly number[],
  chosen: 'residual' | readonly number[] | undefined,
): readonly number[] | FloatReason {
  if (chosen === undefined) return inputs;
  if (chosen !== 'residual') return inputs.filter((index) => chosen.includes(index));
  if (inputs.some((index) => constantTensor(node.inputs[index]) !== undefined))
    return {
      code: 'FLOAT_NOT_RESIDUAL',
      reason: 'one of its operands is constant, so it ends no residual block',
    };
  const fused = inputs.find((index) => {
    const value = node.inputs[index]!;
    return value.producer.kind === 'op' && hasWeights(value.producer) && value.uses.size === 1;
  });
  return inputs.filter((index) => index !== fused);
}
