import {
  anyValue,
  constant,
  defineRule,
  op,
  optional,
  Rejection,
  reject,
  variadic,
} from '@bitwright/rewrite';
import { batchNormAffine } from './channel-affine.js';
import { type ConvParts, cannotFoldIntoConv, foldIntoConv, outputChannels } from './fold-into-conv.js';

/**
 * BatchNormalization(Concat(Conv_1, ..., Conv_n)) = Concat(Conv'_1, ..., Conv'_n) when channels are concatenated.
 *
 *     y[c] = s[c] * concat(u_1, ..., u_n)[c] + t[c]    so that    Conv'_i takes the channels of s and t that are its own
 *
 * Each Conv must have constant weights and no other reader. Computed in double precision and rounded once to float32.
 */
export const splitBatchNormOverConcat = defineRule({
  name: 'split-batch-norm-over-concat',
  match: op(
    'BatchNormalization',
    op(
      'Concat',
      variadic(op('Conv', anyValue.as('x'), constant.as('w'), optional(constant.as('b'))).as('conv')),
    ).as('concat'),
    constant.as('gamma'),
    constant.as('beta'),
    constant.as('mean'),
    constant.as('variance'),
  ).as('bn'),
  rewrite({ bn, concat, conv: convs, x: xs, w: ws, b: bs, ...constants }, r) {
    const affine = batchNormAffine(bn, constants);
    if (affine instanceof Rejection) return affine;
    const axis = concat.attributes.int('axis', 0);
    const rank = ws[0]!.tensor.dims.length;
    if (axis !== 1 && axis + rank !== 1)
      return reject(
        'RULE_CONCAT_AXIS',
        `the concatenation runs along axis ${axis}, not along the channels`,
        concat,
      );
    const parts = convs.map((conv, i): ConvParts => ({ conv, x: xs[i]!, w: ws[i]!, b: bs[i] }));
    const counts = parts.map(outputChannels);
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (total !== affine.scale.length)
      return reject(
        'RULE_CHANNELS',
        `${total} channels are concatenated and ${affine.scale.length} are mapped`,
        bn,
      );
    for (const [i, part] of parts.entries()) {
      const problem = cannotFoldIntoConv(part, counts[i]!);
      if (problem !== undefined) return problem;
    }
    let first = 0;
    const folded = parts.map((part, i) => {
      const last = first + counts[i]!;
      const own = { scale: affine.scale.slice(first, last), shift: affine.shift.slice(first, last) };
      first = last;
      return foldIntoConv(r, part, own, part.conv.name);
    });
    r.replace(bn, r.op.Concat(folded, concat.attributes));
    return undefined;
  },
});
