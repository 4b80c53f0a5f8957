import { anyOf, anyValue, constant, defineRule, op, optional, Rejection } from '@bitwright/rewrite';
import { batchNormAffine } from './channel-affine.js';
import { cannotFoldIntoConv, foldIntoConv } from './fold-into-conv.js';

/**
 * BatchNormalization(Conv(x, W, b)) = Conv(x, W', b'), also for ConvTranspose and any number of groups.
 *
 *     y = gamma * (W x + b - mean) / sqrt(variance + epsilon) + beta
 *     s = gamma / sqrt(variance + epsilon),  W'[c] = s[c] * W[c],  b'[c] = s[c] * b[c] + (beta[c] - mean[c] * s[c])
 *
 * Computed in double precision and rounded once to float32.
 */
export const foldBatchNormIntoConv = defineRule({
  name: 'fold-batch-norm-into-conv',
  match: op(
    'BatchNormalization',
    anyOf(
      op('Conv', anyValue.as('x'), constant.as('w'), optional(constant.as('b'))).as('conv'),
      op('ConvTranspose', anyValue.as('x'), constant.as('w'), optional(constant.as('b'))).as('conv'),
    ),
    constant.as('gamma'),
    constant.as('beta'),
    constant.as('mean'),
    constant.as('variance'),
  ).as('bn'),
  rewrite({ bn, conv, x, w, b, ...constants }, r) {
    const affine = batchNormAffine(bn, constants);
    if (affine instanceof Rejection) return affine;
    const parts = { conv, x, w, b };
    const problem = cannotFoldIntoConv(parts, affine.scale.length);
    if (problem !== undefined) return problem;
    r.replace(bn, foldIntoConv(r, parts, affine));
    return undefined;
  },
});
