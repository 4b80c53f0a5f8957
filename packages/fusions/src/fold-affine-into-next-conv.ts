import type { GetAttrNode, OpNode } from '@bitwright/graph';
import { anyOf, anyValue, constant, defineRule, op, optional, Rejection, reject } from '@bitwright/rewrite';
import { batchNormAffine, biasName, type ChannelAffine, notFloat } from './channel-affine.js';
import { constantAffine } from './constant-affine.js';
import { absorb, readsPadding } from './fold-into-next.js';

/**
 * Conv(s * x + t, W, b) = Conv(x, W', b') for one s and t a channel: arithmetic with constants, or a batch normalization, goes
 * into the convolution behind it.
 *
 *     sum W[o,i,k] (s[i] x[i] + t[i]) + b[o]    so    W'[o,i,k] = s[i] W[o,i,k],    b'[o] = b[o] + sum W[o,i,k] t[i]
 *
 * With t = 0 always. Otherwise the convolution must not pad: it pads with zeros behind the map, which t would make of other
 * values in front of it. Computed in double precision and rounded once to float32.
 */
export const foldAffineIntoNextConv = defineRule({
  name: 'fold-affine-into-next-conv',
  match: op(
    'Conv',
    anyOf(
      op(
        'BatchNormalization',
        anyValue.as('x'),
        constant.as('gamma'),
        constant.as('beta'),
        constant.as('mean'),
        constant.as('variance'),
      ).as('map'),
      op('Mul', anyValue.as('x'), constant.as('c')).as('map'),
      op('Add', anyValue.as('x'), constant.as('c')).as('map'),
      op('Sub', anyValue.as('x'), constant.as('c')).as('map'),
      op('Sub', constant.as('c'), anyValue.as('x')).as('map'),
      op('Div', anyValue.as('x'), constant.as('c')).as('map'),
    ),
    constant.as('w'),
    optional(constant.as('b')),
  ).as('conv'),
  rewrite({ conv, map, x, w, b, c, gamma, beta, mean, variance }, r) {
    const wrong = notFloat(w) ?? (b && notFloat(b));
    if (wrong !== undefined) return wrong;
    const [, perGroup = 0] = w.tensor.dims;
    const channels = perGroup * conv.attributes.int('group', 1);
    if (x.shape?.[1] !== channels)
      return reject(
        'RULE_CHANNELS',
        `'${x.name}' is not known to have the ${channels} channels of the Conv`,
        x,
      );
    const affine =
      c === undefined
        ? batchNormAffine(map, { gamma: gamma!, beta: beta!, mean: mean!, variance: variance! })
        : constantAffine(map, c, channels, w.tensor.dims.length - 1, w.tensor.dims.length);
    if (affine instanceof Rejection) return affine;
    const refused = cannotAbsorb(conv, w, affine, channels);
    if (refused !== undefined) return refused;
    const { weight, bias } = absorb(w.tensor, b?.tensor, affine, conv.attributes.int('group', 1));
    const inputs = [x, r.constant(w.output.name, weight), r.constant(biasName(w, b), bias)];
    r.replace(conv, r.op.Conv(inputs, conv.attributes, { name: conv.name }));
    return undefined;
  },
});

function cannotAbsorb(
  conv: OpNode,
  w: GetAttrNode,
  { scale, shift }: ChannelAffine,
  channels: number,
): Rejection | undefined {
  if (scale.length !== channels)
    return reject('RULE_CHANNELS', `${scale.length} channels are mapped and ${channels} are read`, conv);
  if (shift.every((offset) => offset === 0) || !readsPadding(conv, w.tensor.dims.slice(2))) return undefined;
  return reject(
    'RULE_PADDED_SHIFT',
    'the convolution pads with zeros, which the added constant in front of it would not be',
    conv,
  );
}
