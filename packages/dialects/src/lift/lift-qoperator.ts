import type { QParams } from '@bitwright/core';
import type { AttributeInit, OpNode, Value } from '@bitwright/graph';
import { constantOf } from './constant-of.js';
import { type ConstantUse, constantQuantizer } from './lift-constants.js';
import { activationTwin, unknownCodes } from './lift-linear.js';
import { floatType, type Lifter, type LiftHandler } from './lifter.js';
import { readQParams, sameScale, Unliftable } from './read-qparams.js';

/** One quantized operand: where its codes, scale and zero point stand among the inputs. */
interface Operand {
  readonly at: number;
  readonly role?: 'weight';
}

/** How an operator on codes is the float operator between a dequantizer and a quantizer. */
interface QOperatorForm {
  readonly opType: string;
  readonly operands: readonly Operand[];
  /** Where the result's scale stands; its zero point follows. */
  readonly result: number;
  /** Where int32 bias codes stand, at the product of both operands' scales. */
  readonly bias?: number;
}

const pair = (opType: string): QOperatorForm => ({ opType, operands: [{ at: 0 }, { at: 3 }], result: 6 });
const single = (opType: string): QOperatorForm => ({ opType, operands: [{ at: 0 }], result: 3 });
const WEIGHTED = [{ at: 0 }, { at: 3, role: 'weight' }] as const;

/** QLinearConv and QLinearMatMul of ONNX, the others of ONNX Runtime (docs/ContribOperators.md). */
const FORMS: Readonly<Record<string, QOperatorForm>> = {
  QLinearConv: { opType: 'Conv', operands: WEIGHTED, result: 6, bias: 8 },
  QLinearMatMul: { opType: 'MatMul', operands: WEIGHTED, result: 6 },
  QGemm: { opType: 'Gemm', operands: WEIGHTED, result: 7, bias: 6 },
  QLinearAdd: pair('Add'),
  QLinearMul: pair('Mul'),
  QLinearAveragePool: single('AveragePool'),
  QLinearGlobalAveragePool: single('GlobalAveragePool'),
  QLinearLeakyRelu: single('LeakyRelu'),
  QLinearSigmoid: single('Sigmoid'),
  QLinearSoftmax: single('Softmax'),
};

const liftForm: LiftHandler = (lifter, node) => {
  const form = FORMS[node.opType]!;
  const refused = refusal(node);
  if (refused !== undefined) return lifter.leave(node, refused);
  const inputs: Value[] = [];
  const params: QParams[] = [];
  for (const operand of form.operands) {
    const read = readOperand(lifter, node, operand);
    if (read instanceof Unliftable) return lifter.leave(node, read);
    inputs.push(read.value);
    params.push(read.qparams);
  }
  const bias = form.bias === undefined ? undefined : readBias(lifter, node, form.bias, params);
  if (bias instanceof Unliftable) return lifter.leave(node, bias);
  const kept = { ...Object.fromEntries(node.attributes), channels_last: undefined, opset: undefined };
  finish(lifter, node, form, bias === undefined ? inputs : [...inputs, bias], kept);
};

/** QLinearConcat(y_scale, y_zero_point, then codes, scale and zero point of each input). */
const liftConcat: LiftHandler = (lifter, node) => {
  const inputs: Value[] = [];
  for (let at = 2; at < node.inputs.length; at += 3) {
    const read = readOperand(lifter, node, { at });
    if (read instanceof Unliftable) return lifter.leave(node, read);
    inputs.push(read.value);
  }
  const form = { opType: 'Concat', operands: [], result: 0 };
  finish(lifter, node, form, inputs, Object.fromEntries(node.attributes));
};

/** What the float operators cannot say. */
function refusal(node: OpNode): Unliftable | undefined {
  if (node.attributes.int('channels_last', 0) !== 0)
    return new Unliftable('LIFT_OPERATOR', 'its channels come last, which the float operator has not');
  if (node.opType === 'QLinearSoftmax' && node.attributes.int('opset', 13) < 13)
    return new Unliftable('LIFT_OPERATOR', 'it is the Softmax of an old operator set');
  return undefined;
}

/** The float value of an operand: a quantizer's, weights of its own, or a DequantizeLinear of codes that come from outside. */
function readOperand(
  lifter: Lifter,
  node: OpNode,
  { at, role }: Operand,
): { readonly value: Value; readonly qparams: QParams } | Unliftable {
  const codes = node.inputs[at]!;
  const [scale, zeroPoint] = [node.inputs[at + 1], node.inputs[at + 2]];
  const constant = lifter.constantCodes(codes);
  if (constant !== undefined) {
    const axis = weightAxis(node, constant.dims.length);
    const several = (constantOf(scale)?.dims.length ?? 0) === 1 && role === 'weight';
    const qparams = readQParams(scale, zeroPoint, constant.carrier, several ? axis : undefined);
    if (qparams instanceof Unliftable) return qparams;
    const use: ConstantUse = { role: role ?? 'activation', reader: node.displayName };
    const value = constantQuantizer(lifter, constant, oneScale(qparams), use, node);
    return value instanceof Unliftable ? value : { value, qparams };
  }
  const twin = lifter.twinOf(codes);
  const carrier = twin?.carrier ?? codes.dtype ?? 'uint8';
  const qparams = readQParams(scale, zeroPoint, carrier);
  if (qparams instanceof Unliftable) return qparams;
  if (twin !== undefined && sameScale(qparams, twin.qparams)) return { value: twin.value(node), qparams };
  if (codes.producer.kind !== 'placeholder') return unknownCodes(codes);
  return { value: dequantized(lifter, node, codes, [scale!, zeroPoint!]), qparams };
}

/** A single scale is that of the tensor, unless there is a single channel. */
function oneScale(qparams: QParams): QParams {
  if (qparams.scale.length !== 1 || qparams.axis === undefined) return qparams;
  const { axis: _axis, ...rest } = qparams;
  return rest;
}

/** Codes that a user feeds: they are dequantized at the door, and the result belongs to no quantizer of ours. */
function dequantized(lifter: Lifter, node: OpNode, codes: Value, params: readonly Value[]): Value {
  const name = lifter.graph.freshName(`${codes.name}_dq`);
  const type = floatType(codes);
  const outputs = [{ name, ...(type && { type }) }];
  const inputs = [codes, ...params];
  const made = lifter.graph.createOp({ opType: 'DequantizeLinear', name, inputs, outputs, before: node });
  lifter.leave(made, unknownCodes(codes));
  return made.output;
}

function readBias(
  lifter: Lifter,
  node: OpNode,
  at: number,
  [input, weight]: readonly QParams[],
): Value | undefined | Unliftable {
  if (node.inputs[at] === undefined) return undefined;
  const constant = lifter.constantCodes(node.inputs[at]);
  if (constant?.carrier !== 'int32')
    return new Unliftable('LIFT_PARAMETERS', 'its bias is no int32 constant');
  const factor = node.attributes.float('alpha', 1) * input!.scale[0]!;
  const scale = weight!.scale.map((one) => factor * one);
  const qparams: QParams = {
    ...{ bits: 32, signed: true, quantMin: -(2 ** 31), quantMax: 2 ** 31 - 1 },
    ...{ scale, zeroPoint: new Int32Array(scale.length) },
    ...(scale.length > 1 && { axis: constant.dims.length - 1 }),
  };
  return constantQuantizer(lifter, constant, qparams, { role: 'bias', reader: node.displayName }, node);
}

/** The output channels of a layer's weights. */
function weightAxis(node: OpNode, rank: number): number {
  if (node.opType === 'QLinearConv') return 0;
  if (node.opType === 'QGemm') return node.attributes.int('transB', 0) === 1 ? 0 : 1;
  return rank - 1;
}

/** Makes the float operator, and the quantizer of its result that later operators read. */
function finish(
  lifter: Lifter,
  node: OpNode,
  form: QOperatorForm,
  inputs: readonly Value[],
  attributes: Readonly<Record<string, AttributeInit | undefined>>,
): void {
  const [scale, zeroPoint] = [node.inputs[form.result], node.inputs[form.result + 1]];
  const carrier = constantOf(zeroPoint)?.dtype ?? node.output.dtype ?? 'uint8';
  const isFloat = scale === undefined;
  const qparams = isFloat ? undefined : readQParams(scale, zeroPoint, carrier);
  if (qparams instanceof Unliftable) {
    lifter.leave(node, qparams);
    return;
  }
  const type = floatType(node.output);
  const made = lifter.graph.createOp({
    opType: form.opType,
    name: node.name,
    inputs,
    attributes,
    outputs: [{ name: lifter.graph.freshName(`${node.output.name}_float`), ...(type && { type }) }],
    before: node,
  });
  if (qparams === undefined) {
    lifter.replace(node.output, made.output);
    return;
  }
  const twin = activationTwin(lifter, made.output, qparams, carrier);
  if (twin instanceof Unliftable) lifter.leave(node, twin);
  else lifter.setTwin(node.output, twin);
}

/** The handlers of operators that take codes and give codes. */
export const QOPERATOR_HANDLERS: Readonly<Record<string, LiftHandler>> = {
  ...Object.fromEntries(Object.keys(FORMS).map((opType) => [opType, liftForm])),
  QLinearConcat: liftConcat,
};
