import { anyOf, anyValue, constant, defineRule, op, optional, Rejection } from '@bitwright/rewrite';
import { constantAffine } from './constant-affine.js';
import { cannotFoldIntoConv, foldIntoConv, outputChannels } from './fold-into-conv.js';

const conv = anyOf(
  op('Conv', anyValue.as('x'), constant.as('w'), optional(constant.as('b'))).as('conv'),
  op('ConvTranspose', anyValue.as('x'), constant.as('w'), optional(constant.as('b'))).as('conv'),
);

/**
 * Arithmetic with one constant a channel behind a Conv (or ConvTranspose) goes into its weight and bias.
 *
 *     (W x + b) + c = W x + (b + c)          (W x + b) * c = (c W) x + c b
 *     (W x + b) - c = W x + (b - c)          (W x + b) / c = (W / c) x + b / c          c - (W x + b) = (-W) x + (c - b)
 *
 * Computed in double precision and rounded once to float32.
 */
export const foldConstantIntoConv = defineRule({
  name: 'fold-constant-into-conv',
  match: anyOf(
    op('Add', conv, constant.as('c')).as('arithmetic'),
    op('Mul', conv, constant.as('c')).as('arithmetic'),
    op('Sub', conv, constant.as('c')).as('arithmetic'),
    op('Sub', constant.as('c'), conv).as('arithmetic'),
    op('Div', conv, constant.as('c')).as('arithmetic'),
  ),
  rewrite({ arithmetic, c, ...parts }, r) {
    const rank = parts.w.tensor.dims.length;
    const affine = constantAffine(arithmetic, c, outputChannels(parts), rank - 1, rank);
    if (affine instanceof Rejection) return affine;
    const problem = cannotFoldIntoConv(parts, affine.scale.length);
    if (problem !== undefined) return problem;
    r.replace(arithmetic, foldIntoConv(r, parts, affine));
    return undefined;
  },
});
