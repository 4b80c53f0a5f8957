import { anyOf, anyValue, constant, defineRule, op, optional, Rejection } from '@bitwright/rewrite';
import { constantAffine } from './constant-affine.js';
import { cannotFoldIntoGemm, foldIntoGemm, outputFeatures } from './fold-into-gemm.js';

const gemm = op('Gemm', anyValue.as('x'), constant.as('w'), optional(constant.as('b'))).as('gemm');

/**
 * Arithmetic with one constant a feature behind a Gemm goes into its second factor and bias.
 *
 *     (x W + b) + c = x W + (b + c)          (x W + b) * c = x (W c) + b c          and Sub, Div alike
 *
 * Computed in double precision and rounded once to float32.
 */
export const foldConstantIntoGemm = defineRule({
  name: 'fold-constant-into-gemm',
  match: anyOf(
    op('Add', gemm, constant.as('c')).as('arithmetic'),
    op('Mul', gemm, constant.as('c')).as('arithmetic'),
    op('Sub', gemm, constant.as('c')).as('arithmetic'),
    op('Sub', constant.as('c'), gemm).as('arithmetic'),
    op('Div', gemm, constant.as('c')).as('arithmetic'),
  ),
  rewrite({ arithmetic, c, ...parts }, r) {
    const affine = constantAffine(arithmetic, c, outputFeatures(parts), 1, 2);
    if (affine instanceof Rejection) return affine;
    const problem = cannotFoldIntoGemm(parts, affine.scale.length);
    if (problem !== undefined) return problem;
    r.replace(arithmetic, foldIntoGemm(r, parts, affine));
    return undefined;
  },
});
