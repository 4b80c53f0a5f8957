import { type DType, floatData, type QParams, quantGrid, quantizeTensor, type Tensor } from '@bitwright/core';
import type { OpNode, Value } from '@bitwright/graph';
import { constantOf } from './constant-of.js';
import { placeConstant } from './lift-constants.js';
import { activationTwin } from './lift-linear.js';
import type { LiftHandler } from './lifter.js';
import { Unliftable } from './read-qparams.js';

/** QONNX's Quant(x, scale, zeropt, bitwidth): a quantizer, or codes where x is constant (fastmachinelearning/qonnx, docs/qonnx-custom-ops). */
export const liftQuant: LiftHandler = (lifter, node) => {
  const input = node.inputs[0]!;
  const tensor = constantOf(input);
  const qparams = quantParams(node, tensor);
  if (qparams instanceof Unliftable) return lifter.leave(node, qparams);
  const carrier: DType = carrierOf(qparams);
  if (tensor === undefined) {
    const twin = activationTwin(lifter, input, qparams, carrier);
    if (twin instanceof Unliftable) return lifter.leave(node, twin);
    return lifter.replace(node.output, twin.value(node));
  }
  const codes = quantizeTensor(floatData(tensor), tensor.dims, qparams);
  const name = input.name.replace(/_on_grid$/, '');
  for (const use of [...node.output.uses]) {
    const constant = { name, dims: tensor.dims, codes, carrier };
    const refused = placeConstant(lifter, constant, qparams, use, node, true);
    if (refused !== undefined) return lifter.leave(node, refused);
  }
};

/** The other quantizers of QONNX say what affine codes can't. */
export const leaveQuant: LiftHandler = (lifter, node) =>
  lifter.leave(node, new Unliftable('LIFT_OPERATOR', `${node.opType} is no affine quantizer`));

function quantParams(node: OpNode, tensor: Tensor | undefined): QParams | Unliftable {
  const rounding = node.attributes.string('rounding_mode', 'ROUND').toUpperCase();
  if (rounding !== 'ROUND' && rounding !== 'ROUND_HALF_EVEN' && rounding !== 'HALF_EVEN')
    return new Unliftable(
      'LIFT_ROUNDING',
      `it rounds by ${rounding}, and codes round to the nearest, ties to even`,
    );
  const [scale, zeroPoint, width] = node.inputs.slice(1, 4).map(numbers);
  if (scale === undefined || zeroPoint === undefined || width?.values.length !== 1)
    return new Unliftable('LIFT_PARAMETERS', 'its scale, zero point or width is computed, not constant');
  const bits = width.values[0]!;
  if (![2, 3, 4, 5, 6, 7, 8, 16].includes(bits) && !(bits === 32 && tensor !== undefined))
    return new Unliftable('LIFT_WIDTH', `it has ${bits} bits, and widths are 2 to 8 and 16`);
  if (![...zeroPoint.values].every(Number.isInteger) || !scale.values.every((value) => value > 0))
    return new Unliftable('LIFT_PARAMETERS', 'a scale is not positive or a zero point no integer');
  const axis = channelAxis(scale.dims, tensor);
  if (axis instanceof Unliftable) return axis;
  const { attributes } = node;
  const grid = quantGrid(bits, attributes.int('signed', 1) === 1, attributes.int('narrow', 0) === 1);
  const unsignedNarrow = !grid.signed && attributes.int('narrow', 0) === 1;
  return {
    ...grid,
    // QONNX drops the highest code of an unsigned narrow grid, not the lowest
    ...(unsignedNarrow && { quantMin: 0, quantMax: 2 ** bits - 2 }),
    scale: scale.values,
    zeroPoint: Int32Array.from(scale.values, (_, i) => zeroPoint.values[i] ?? zeroPoint.values[0]!),
    ...(axis !== undefined && { axis }),
  };
}

/** The one axis along which a broadcast scale varies; undefined for one scale. */
function channelAxis(dims: readonly number[], tensor: Tensor | undefined): number | undefined | Unliftable {
  const wide = dims.flatMap((dim, i) => (dim === 1 ? [] : [i]));
  if (wide.length > 1) return new Unliftable('LIFT_BLOCKS', 'its scale varies along several axes');
  const rank = tensor?.dims.length ?? dims.length;
  if (wide.length === 1) return wide[0]! + rank - dims.length;
  // a scale with as many axes as the tensor was written for channels, if only for one
  const single = tensor !== undefined && dims.length > 0 ? tensor.dims.indexOf(1) : -1;
  return single >= 0 && dims.length === rank && rank > 1 ? single : undefined;
}

function numbers(value: Value | undefined): { values: Float32Array; dims: readonly number[] } | undefined {
  const tensor = constantOf(value);
  return tensor && { values: Float32Array.from(tensor.data() as Float32Array), dims: tensor.dims };
}

function carrierOf({ bits, signed }: QParams): DType {
  const held = bits === 32 ? 32 : bits === 16 ? 16 : 8;
  return `${signed ? '' : 'u'}int${held}` as DType;
}
