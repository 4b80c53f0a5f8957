import { codeOfDtype, floatData, type QParams } from '@bitwright/core';
import type { OpNode, Value } from '@bitwright/graph';
import { constantOf } from './constant-of.js';
import { constantQuantizer } from './lift-constants.js';
import { unknownCodes } from './lift-linear.js';
import type { LiftHandler } from './lifter.js';
import { carrierGrid, Unliftable } from './read-qparams.js';

/**
 * ConvInteger or MatMulInteger, Cast to float, Mul by a constant c:
 *
 *     c * sum (q_x - z_x)(q_w - z_w) = sum s_x (q_x - z_x) * s_w (q_w - z_w)    with s_w = fl32(c / s_x)
 *
 * so that it is a layer whose weights have the scale s_w. Equal up to the rounding of float sums.
 */
export const liftIntegerLayer: LiftHandler = (lifter, node) => {
  const [x, w, xZero, wZero] = node.inputs;
  const twin = lifter.twinOf(x);
  if (twin === undefined) return lifter.leave(node, unknownCodes(x!));
  const weights = lifter.constantCodes(w);
  const scaled = scaledResult(node);
  if (weights === undefined || scaled === undefined)
    return lifter.leave(
      node,
      new Unliftable('LIFT_OPERATOR', 'no Cast to float and Mul by a constant stand behind it'),
    );
  if (zeroOf(xZero) !== twin.qparams.zeroPoint[0] || zeroOf(wZero) === undefined)
    return lifter.leave(
      node,
      new Unliftable('LIFT_PARAMETERS', 'its zero points are not those of the codes'),
    );
  const isConv = node.opType === 'ConvInteger';
  const axis = isConv ? 0 : weights.dims.length - 1;
  const scale = scaled.factors.map((factor) => factor / twin.qparams.scale[0]!);
  if (scale.length !== 1 && scale.length !== weights.dims[axis])
    return lifter.leave(node, new Unliftable('LIFT_PARAMETERS', 'its result is not scaled by channel'));
  const qparams: QParams = {
    ...carrierGrid(weights.carrier)!,
    scale,
    zeroPoint: new Int32Array(scale.length).fill(zeroOf(wZero)!),
    ...(scale.length > 1 && { axis }),
  };
  const use = { role: 'weight', reader: node.displayName } as const;
  const weight = constantQuantizer(lifter, weights, qparams, use, node);
  if (weight instanceof Unliftable) return lifter.leave(node, weight);
  const made = lifter.graph.createOp({
    opType: isConv ? 'Conv' : 'MatMul',
    name: node.name,
    inputs: [twin.value(node), weight],
    attributes: node.attributes,
    before: node,
  });
  lifter.replace(scaled.value, made.output);
};

/** The float result behind Cast and Mul, and the factors of the Mul: one, or one for each channel. */
function scaledResult(node: OpNode): { readonly value: Value; readonly factors: Float32Array } | undefined {
  const cast = onlyReader(node, 'Cast');
  if (cast?.attributes.int('to', 0) !== codeOfDtype('float')) return undefined;
  const mul = onlyReader(cast, 'Mul');
  const factors = mul && constantOf(mul.inputs.find((value) => value !== cast.output));
  if (mul === undefined || factors?.dtype !== 'float') return undefined;
  const wide = factors.dims.flatMap((dim, i) => (dim === 1 ? [] : [i - factors.dims.length]));
  // channels stand first behind the batch for a Conv, last for a MatMul; the count of spatial axes is that of the weights
  const rank = constantOf(node.inputs[1])?.dims.length ?? 0;
  const channel = node.opType === 'ConvInteger' ? 1 - rank : -1;
  return wide.every((axis) => axis === channel)
    ? { value: mul.output, factors: floatData(factors) }
    : undefined;
}

function onlyReader(node: OpNode, opType: string): OpNode | undefined {
  const [use] = node.output.uses;
  return node.output.uses.size === 1 && use?.node.kind === 'op' && use.node.is(opType) ? use.node : undefined;
}

/** One zero point; undefined for several or computed ones. */
function zeroOf(value: Value | undefined): number | undefined {
  if (value === undefined) return 0;
  const data = constantOf(value)?.data();
  return data?.length === 1 ? Number(data[0]) : undefined;
}
