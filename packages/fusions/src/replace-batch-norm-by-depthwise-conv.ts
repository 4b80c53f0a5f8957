import { DenseTensor, floatTensor } from '@bitwright/core';
import { anyValue, constant, defineRule, op, Rejection, reject } from '@bitwright/rewrite';
import { batchNormAffine } from './channel-affine.js';
import { entersNextConv } from './fold-into-next.js';

/**
 * A BatchNormalization that follows nothing it could be folded into is a depthwise Conv with kernel 1.
 *
 *     y[c] = s[c] * x[c] + t[c]  =  Conv(x, W, t)  with  W of shape [channels, 1, 1, ...],  W[c] = s[c],  group = channels
 *
 * One that the only Conv behind it takes in is left to that rule. Integer backends know convolutions, not batch normalizations. It needs the rank of x: 3 to 5; with 2 axes there is no
 * Conv. Computed in double precision and rounded once to float32.
 */
export const replaceBatchNormByDepthwiseConv = defineRule({
  name: 'replace-batch-norm-by-depthwise-conv',
  match: op(
    'BatchNormalization',
    anyValue.as('x'),
    constant.as('gamma'),
    constant.as('beta'),
    constant.as('mean'),
    constant.as('variance'),
  ).as('bn'),
  rewrite({ bn, x, ...constants }, r) {
    const affine = batchNormAffine(bn, constants);
    if (affine instanceof Rejection) return affine;
    const rank = x.shape?.length;
    if (rank === undefined)
      return reject(
        'RULE_RANK_UNKNOWN',
        `the rank of '${x.name}' is not known, and a Conv needs 3 to 5 axes`,
        x,
      );
    if (rank < 3 || rank > 5)
      return reject('RULE_RANK', `'${x.name}' has ${rank} axes, and a Conv needs 3 to 5`, x);
    if (x.dtype !== undefined && x.dtype !== 'float')
      return reject('RULE_DTYPE', `'${x.name}' is ${x.dtype}, and only float is rewritten`, x);
    const channels = affine.scale.length;
    if (entersNextConv(bn, affine))
      return reject('RULE_BETTER_ELSEWHERE', 'the convolution behind it takes it in', bn);
    const made = x.shape?.[1];
    // a runtime broadcasts here what the standard does not allow, and a Conv does not
    if (typeof made === 'number' && made !== channels)
      return reject('RULE_CHANNELS', `'${x.name}' has ${made} channels and ${channels} are mapped`, x);
    const ones = new Array<number>(rank - 2).fill(1);
    const { gamma, beta } = constants;
    const scale = new DenseTensor('float', [channels, 1, ...ones], Float32Array.from(affine.scale));
    const weight = r.constant(`${gamma.output.name}_depthwise`, scale);
    const bias = r.constant(beta.output.name, floatTensor(affine.shift));
    r.replace(bn, r.op.Conv([x, weight, bias], { group: channels, kernel_shape: ones }));
    return undefined;
  },
});
