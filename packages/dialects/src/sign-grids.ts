import { BitwrightError } from '@bitwright/core';
import {
  constantTensor,
  type GraphModule,
  isQuantizer,
  type OpNode,
  qparamsOf,
  setQParams,
} from '@bitwright/graph';

/** Says the grid of an unsigned activation with signed codes: the same floats, each code lower by 2^(bits-1). */
export function makeSigned(node: OpNode): void {
  const { bits, signed, quantMin, quantMax, scale, zeroPoint } = qparamsOf(node);
  if (signed) return;
  const shift = 2 ** (bits - 1);
  node.attributes = node.attributes.with({
    signed: 1,
    quant_min: quantMin - shift,
    quant_max: quantMax - shift,
  });
  setQParams(node, { scale, zeroPoint: zeroPoint.map((zero) => zero - shift) });
}

/**
 * Says every activation with zero point 0, for dialects that have no other: a grid around its middle code becomes signed.
 *
 * @throws DIALECT_ZERO_POINT naming the first value whose zero point is elsewhere; nothing is changed then.
 */
export function centreZeroPoints(module: GraphModule, dialect: string): void {
  const activations = [...module.graph.ops()].filter(
    (node) => isQuantizer(node) && qparamsOf(node).role === 'activation',
  );
  const middle: OpNode[] = [];
  for (const node of activations) {
    const { bits, signed, zeroPoint } = qparamsOf(node);
    if (zeroPoint[0] === 0) continue;
    const value = node.inputs[0]!;
    if (signed || zeroPoint[0] !== 2 ** (bits - 1) || constantTensor(value) !== undefined)
      throw new BitwrightError({
        code: 'DIALECT_ZERO_POINT',
        message: `The dialect '${dialect}' has no zero point but 0, and '${value.name}' has ${zeroPoint[0]}.`,
        hint: 'Calibrate again for this dialect: give --bits with --observer and --data.',
        at: { value: value.name, option: '--dialect' },
      });
    middle.push(node);
  }
  for (const node of middle) makeSigned(node);
}
