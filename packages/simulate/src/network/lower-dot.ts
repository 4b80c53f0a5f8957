import { BitwrightError, floatData } from '@bitwright/core';
import { constantTensor, isQuantizer, nodeName, type OpNode, qparamsOf } from '@bitwright/graph';
import type { OperatorClass } from '../hardware/operator-hardware.js';
import { makeRequantizer } from '../requantize/requantizer.js';
import { alignBias, type ModelBias } from './align-bias.js';
import type { DotStep, Grid, Result, Window } from './integer-network.js';
import { constantCodes, type Lowering } from './lowering.js';
import type { Pending, Target } from './pending.js';
import { transposedConv } from './transposed.js';
import { windowOf } from './window.js';

/** A dot product without what is known only once its bias and its result are. */
type Frame = Omit<DotStep, 'bias' | 'result' | 'output'>;

/** Lowers Conv, ConvTranspose, Gemm and MatMul with constant weights; a reason when integers can't express it. */
export function lowerDot(node: OpNode, state: Lowering): Pending | { code: string; reason: string } {
  const input = state.get(node.inputs[0]);
  if (input?.kind !== 'codes') return { code: 'SIMULATE_FLOAT_INPUT', reason: 'its input is not quantized' };
  const quantizer = node.inputs[1]?.producer;
  if (!isQuantizer(quantizer) || constantTensor(quantizer.inputs[0]) === undefined)
    return { code: 'SIMULATE_FLOAT_WEIGHTS', reason: 'its weights are not quantized constants' };
  if (node.is('Gemm') && (node.attributes.float('alpha', 1) !== 1 || node.attributes.int('transA', 0) !== 0))
    return { code: 'SIMULATE_GEMM', reason: 'its alpha is not 1 or it transposes its input' };
  const laid = layOut(node, quantizer);
  if ('code' in laid) return laid;
  const from = laid.spread === undefined ? input.name : spread(input, laid.spread, node, state);
  const frame = frameOf(node, quantizer, from, input.grid, laid, state);
  assertWidths(frame);
  const bias = biasOf(node);
  if (bias !== undefined && 'code' in bias) return bias;
  return pendingDot(node, frame, bias);
}

interface Layout {
  readonly operatorClass: OperatorClass;
  readonly window?: Window;
  readonly groups: number;
  readonly outputs: number;
  readonly depth: number;
  /** [outputs, depth]. */
  readonly codes: Int32Array;
  /** How far apart the inputs are laid first. */
  readonly spread?: readonly number[];
}

/** Lays the input of a ConvTranspose apart; it stays as it is where the distance is 1. */
function spread(
  input: { readonly name: string; readonly grid: Grid },
  strides: readonly number[],
  node: OpNode,
  state: Lowering,
): string {
  if (strides.every((stride) => stride === 1)) return input.name;
  const output = state.fresh(`${nodeName(node)}_spread`);
  state.push({ kind: 'spread', name: output, input: input.name, grid: input.grid, strides, output });
  return output;
}

function layOutTransposed(
  node: OpNode,
  { codes, dims }: { readonly codes: Int32Array; readonly dims: readonly number[] },
  spec: { readonly axis?: number | undefined; readonly scale: ArrayLike<number> },
): Layout | { code: string; reason: string } {
  const groups = node.attributes.int('group', 1);
  if (spec.scale.length > 1 && (spec.axis !== 1 || groups > 1))
    return { code: 'SIMULATE_WEIGHT_AXIS', reason: 'its weight scales do not run over its output channels' };
  const found = transposedConv(node, codes, dims);
  if ('code' in found) return found;
  const { outputs, window, strides } = found;
  const depth = codes.length / outputs;
  return { operatorClass: 'conv', window, groups, outputs, depth, codes: found.codes, spread: strides };
}

function layOut(node: OpNode, quantizer: OpNode): Layout | { code: string; reason: string } {
  const { codes, dims } = constantCodes(quantizer);
  const spec = qparamsOf(quantizer);
  if (node.is('ConvTranspose')) return layOutTransposed(node, { codes, dims }, spec);
  if (node.is('Conv')) {
    if (spec.axis !== undefined && spec.axis !== 0)
      return {
        code: 'SIMULATE_WEIGHT_AXIS',
        reason: 'its weight scales do not run over its output channels',
      };
    const window = windowOf(node, dims.slice(2));
    if (window === undefined)
      return { code: 'SIMULATE_PADS', reason: 'its padding depends on the input (auto_pad)' };
    const groups = node.attributes.int('group', 1);
    const outputs = dims[0]!;
    const operatorClass = groups > 1 && dims[1] === 1 ? 'depthwise' : 'conv';
    return { operatorClass, window, groups, outputs, depth: codes.length / outputs, codes };
  }
  if (dims.length !== 2)
    return { code: 'SIMULATE_WEIGHT_RANK', reason: `its weights have ${dims.length} dimensions` };
  const transposed = node.is('Gemm') && node.attributes.int('transB', 0) === 1;
  if (spec.axis !== undefined && spec.axis !== (transposed ? 0 : 1))
    return { code: 'SIMULATE_WEIGHT_AXIS', reason: 'its weight scales do not run over its outputs' };
  const [first, second] = dims as [number, number];
  const outputs = transposed ? first : second;
  const depth = transposed ? second : first;
  return {
    operatorClass: 'linear',
    groups: 1,
    outputs,
    depth,
    codes: transposed ? codes : transpose(codes, depth, outputs),
  };
}

function transpose(codes: Int32Array, rows: number, columns: number): Int32Array {
  const result = new Int32Array(codes.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) result[c * rows + r] = codes[r * columns + c]!;
  return result;
}

function frameOf(
  node: OpNode,
  quantizer: OpNode,
  input: string,
  inputGrid: Grid,
  layout: Layout,
  state: Lowering,
): Frame {
  const spec = qparamsOf(quantizer);
  const { codes, spread: _spread, ...rest } = layout;
  const scale = new Float32Array(layout.outputs);
  for (let c = 0; c < scale.length; c++)
    scale[c] = inputGrid.scale * spec.scale[spec.scale.length === 1 ? 0 : c]!;
  return {
    kind: 'dot',
    name: nodeName(node),
    opType: node.opType,
    hardware: state.hardware(layout.operatorClass),
    input,
    inputGrid,
    ...rest,
    weights: codes,
    weightZeroPoint: spec.zeroPoint,
    weightScale: spec.scale,
    weightBits: spec.bits,
    weightMin: spec.quantMin,
    weightMax: spec.quantMax,
    scale,
  };
}

function biasOf(node: OpNode): ModelBias | undefined | { code: string; reason: string } {
  const value = node.inputs[2];
  if (value === undefined) return undefined;
  const { producer } = value;
  if (isQuantizer(producer) && constantTensor(producer.inputs[0]) !== undefined) {
    const spec = qparamsOf(producer);
    return { kind: 'codes', codes: constantCodes(producer).codes, scale: spec.scale, bits: spec.bits };
  }
  const constant = constantTensor(value);
  if (constant === undefined) return { code: 'SIMULATE_BIAS', reason: 'its bias is computed, not constant' };
  return { kind: 'float', values: floatData(constant) };
}

function pendingDot(node: OpNode, frame: Frame, bias: ModelBias | undefined): Pending {
  const open = {
    kind: 'pending',
    node,
    low: Number.NEGATIVE_INFINITY,
    high: Number.POSITIVE_INFINITY,
    moves: [],
  } as const;
  return {
    ...open,
    finish: (target, output) => finishDot(frame, bias, target, output),
    ...(bias === undefined && {
      withBias: (values: Float32Array) => pendingDot(node, frame, { kind: 'float', values }),
    }),
  };
}

function finishDot(frame: Frame, bias: ModelBias | undefined, target: Target, output: string): DotStep {
  const integerBias = bias && alignBias(bias, frame.scale, frame.hardware.bias);
  const draft: DotStep = {
    ...frame,
    bias: integerBias,
    output,
    result: { kind: 'float', dequantizer: { scale: frame.scale } },
  };
  if (target.kind === 'float') {
    const { low, high } = target;
    return { ...draft, result: { kind: 'float', dequantizer: { scale: frame.scale, low, high } } };
  }
  return { ...draft, result: codesResult(draft, target) };
}

/** The way from the accumulators of a dot product to codes. */
export function codesResult(step: DotStep, target: Extract<Target, { kind: 'codes' }>): Result {
  const { grid, low, high } = target;
  assertOutputWidth(step, grid);
  const multiplier = step.scale.map((scale) => scale / grid.scale);
  const requantizer = makeRequantizer(
    { multiplier, low, high, zeroPoint: grid.zeroPoint },
    step.hardware.requantize,
  );
  return { kind: 'codes', grid, requantizer };
}

function assertWidths(frame: Frame): void {
  const { inputBits, weightBits } = frame.hardware;
  if (frame.inputGrid.bits > inputBits) throw tooWide(frame.name, 'input', frame.inputGrid.bits, inputBits);
  if (frame.weightBits > weightBits) throw tooWide(frame.name, 'weight', frame.weightBits, weightBits);
}

function assertOutputWidth(step: DotStep, grid: Grid): void {
  if (grid.bits > step.hardware.outputBits)
    throw tooWide(step.name, 'output', grid.bits, step.hardware.outputBits);
}

function tooWide(name: string, what: string, has: number, takes: number): BitwrightError {
  return new BitwrightError({
    code: 'HARDWARE_WIDTH',
    message: `The ${what} codes of '${name}' have ${has} bits and the hardware takes ${takes}.`,
    hint: `Quantize the model to fewer bits (--bits), or raise the hardware's ${what}Bits.`,
    at: { node: name },
  });
}
