import { type DType, dtypeOfCode, type QParams, quantizeTensor } from '@bitwright/core';
import type { OpNode, Value } from '@bitwright/graph';
import { constantOf } from './constant-of.js';
import { placeConstant } from './lift-constants.js';
import type { Lifter, LiftHandler, Twin } from './lifter.js';
import { readQParams, sameScale, Unliftable } from './read-qparams.js';

/** QuantizeLinear: its codes stand for a quantizer of the float input; a float constant becomes codes here and now. */
export const liftQuantizeLinear: LiftHandler = (lifter, node) => {
  const input = node.inputs[0]!;
  const stored = dtypeOfCode(node.attributes.int('output_dtype', 0));
  const carrier: DType = node.inputs[2]?.dtype ?? constantOf(node.inputs[2])?.dtype ?? stored ?? 'uint8';
  const tensor = constantOf(input);
  const qparams = paramsOf(node, carrier, tensor?.dims);
  if (qparams instanceof Unliftable) return lifter.leave(node, qparams);
  if (tensor !== undefined && tensor.dtype === 'float') {
    const codes = quantizeTensor(tensor.data() as Float32Array, tensor.dims, qparams);
    return lifter.setConstant(node.output, { name: input.name, dims: tensor.dims, codes, carrier });
  }
  const twin = activationTwin(lifter, input, qparams, carrier);
  if (twin instanceof Unliftable) return lifter.leave(node, twin);
  lifter.setTwin(node.output, twin);
};

/** DequantizeLinear: its readers read the quantizer behind the codes; codes that are constant get one for each reader. */
export const liftDequantizeLinear: LiftHandler = (lifter, node) => {
  const constant = lifter.constantCodes(node.inputs[0]);
  if (constant !== undefined) {
    const qparams = paramsOf(node, constant.carrier, constant.dims);
    if (qparams instanceof Unliftable) return lifter.leave(node, qparams);
    for (const use of [...node.output.uses]) {
      const refused = placeConstant(lifter, constant, qparams, use, node);
      if (refused !== undefined) return lifter.leave(node, refused);
    }
    return;
  }
  const twin = lifter.twinOf(node.inputs[0]);
  if (twin === undefined) return lifter.leave(node, unknownCodes(node.inputs[0]!));
  const qparams = paramsOf(node, twin.carrier);
  if (qparams instanceof Unliftable) return lifter.leave(node, qparams);
  if (!sameScale(qparams, twin.qparams)) return lifter.leave(node, DIFFERENT);
  lifter.replace(node.output, twin.value(node));
};

/** Clip of codes: the bounds are those of the true grid. */
export const liftClip: LiftHandler = (lifter, node) => {
  const [codes, low, high] = node.inputs;
  const constant = lifter.constantCodes(codes);
  const twin = lifter.twinOf(codes);
  if (constant === undefined && twin === undefined) return;
  const bounds = [low, high].map((bound) => bound && constantOf(bound));
  if (bounds.some((bound, i) => bound === undefined && node.inputs[i + 1] !== undefined))
    return lifter.leave(node, new Unliftable('LIFT_PARAMETERS', 'its bounds are computed, not constant'));
  const [least, most] = bounds.map((bound) => bound && Number(bound.data()[0]));
  if (constant !== undefined) {
    const clipped = constant.codes.map((code) => Math.min(Math.max(code, least ?? code), most ?? code));
    return lifter.setConstant(node.output, { ...constant, codes: clipped });
  }
  const narrowed = narrow(lifter, node, twin!, least ?? -Infinity, most ?? Infinity);
  if (narrowed instanceof Unliftable) lifter.leave(node, narrowed);
  else lifter.setTwin(node.output, narrowed);
};

const DIFFERENT = new Unliftable(
  'LIFT_PARAMETERS',
  'it reads the codes with another scale or zero point than they were made with',
);

/** The reason for codes of which nothing is known. */
export function unknownCodes(value: Value): Unliftable {
  const { producer } = value;
  const from =
    producer.kind === 'op'
      ? `'${producer.displayName}' (${producer.opType}), which has no float counterpart here`
      : 'outside of the model';
  return new Unliftable('LIFT_OPERATOR', `the codes '${value.name}' come from ${from}`);
}

/** The twin of a float value that is quantized for all of its elements alike, at a width that the dialects can write. */
export function activationTwin(
  lifter: Lifter,
  input: Value,
  qparams: QParams,
  carrier: DType,
): Twin | Unliftable {
  if (qparams.scale.length > 1)
    return new Unliftable('LIFT_PER_CHANNEL', 'an activation with one scale for each channel has no dialect');
  if (qparams.bits > 8 && qparams.bits !== 16)
    return new Unliftable('LIFT_WIDTH', `${qparams.bits}-bit activations have no dialect`);
  if (input.dtype !== undefined && input.dtype !== 'float')
    return new Unliftable('LIFT_DTYPE', `it quantizes ${input.dtype} values`);
  return lifter.quantized(input, qparams, carrier);
}

/** The twin behind a Clip; the clipped quantizer itself where only the Clip reads its codes. */
function narrow(lifter: Lifter, node: OpNode, twin: Twin, least: number, most: number): Twin | Unliftable {
  const { qparams, carrier } = twin;
  const quantMin = Math.max(least, qparams.quantMin);
  const quantMax = Math.min(most, qparams.quantMax);
  if (quantMin === qparams.quantMin && quantMax === qparams.quantMax) return twin;
  const zero = qparams.zeroPoint[0]!;
  if (zero < quantMin || zero > quantMax || quantMin === quantMax)
    return new Unliftable('LIFT_WIDTH', 'its bounds leave out the zero point');
  let bits = 2;
  while (quantMax > 2 ** (qparams.signed ? bits - 1 : bits) - 1 || quantMin < -(2 ** (bits - 1))) bits++;
  const producer = node.inputs[0]!.producer;
  const source =
    producer.kind === 'op' && producer.is('QuantizeLinear') ? producer.inputs[0]! : twin.value(node);
  return activationTwin(lifter, source, { ...qparams, bits, quantMin, quantMax }, carrier);
}

/** Parameters of a QuantizeLinear or DequantizeLinear; `dims` are those of a constant, which may have an axis. */
function paramsOf(node: OpNode, carrier: DType, dims?: readonly number[]): QParams | Unliftable {
  if (node.attributes.int('block_size', 0) !== 0)
    return new Unliftable('LIFT_BLOCKS', 'it has one scale for each block of values');
  const [, scale, zeroPoint] = node.inputs;
  const scales = constantOf(scale)?.dims ?? [];
  const given = node.attributes.int('axis', 1);
  const axis = dims !== undefined && given < 0 ? given + dims.length : given;
  const hasAxis =
    scales.length === 1 && (scales[0] !== 1 || (node.attributes.has('axis') && dims?.[axis] === 1));
  const qparams = readQParams(scale, zeroPoint, carrier, hasAxis ? axis : undefined);
  if (hasAxis && dims !== undefined && dims[axis] !== scales[0])
    return new Unliftable('LIFT_PARAMETERS', 'it has another number of scales than channels');
  return qparams;
}
