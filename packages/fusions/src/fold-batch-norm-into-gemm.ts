import { anyOf, anyValue, constant, defineRule, op, optional, Rejection } from '@bitwright/rewrite';
import { batchNormAffine } from './channel-affine.js';
import { cannotFoldIntoGemm, foldIntoGemm } from './fold-into-gemm.js';

/**
 * BatchNormalization(Gemm(x, W, b)) = Gemm(x, W', b'), and the same for a MatMul of matrices.
 *
 *     y = s * (alpha x W + beta b) + t    with    s = gamma / sqrt(variance + epsilon),  t = beta_bn - mean * s
 *     W'[:, n] = s[n] * W[:, n],   b'[n] = s[n] * beta * b[n] + t[n],   beta' = 1
 *
 * Computed in double precision and rounded once to float32.
 */
export const foldBatchNormIntoGemm = defineRule({
  name: 'fold-batch-norm-into-gemm',
  match: op(
    'BatchNormalization',
    anyOf(
      op('Gemm', anyValue.as('x'), constant.as('w'), optional(constant.as('b'))).as('gemm'),
      op('MatMul', anyValue.as('x'), constant.as('w')).as('gemm'),
    ),
    constant.as('gamma'),
    constant.as('beta'),
    constant.as('mean'),
    constant.as('variance'),
  ).as('bn'),
  rewrite({ bn, gemm, x, w, b, ...constants }, r) {
    const affine = batchNormAffine(bn, constants);
    if (affine instanceof Rejection) return affine;
    const parts = { gemm, x, w, b };
    const problem = cannotFoldIntoGemm(parts, affine.scale.length);
    if (problem !== undefined) return problem;
    r.replace(bn, foldIntoGemm(r, parts, affine));
    return undefined;
  },
});
