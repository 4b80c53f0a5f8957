import { anyValue, constant, defineRule, op, Rejection } from '@bitwright/rewrite';
import { joinedPads, notZeroPadding, padAmounts } from './pads.js';

/**
 * Conv(Pad(x)) = Conv(x) with the padding added to its own, when the Pad adds zeros along spatial axes only.
 *
 *     Conv pads with zeros, so    pads'[i] = pads[i] + amount[i]    at the beginning and the end of each axis
 *
 * Exact: the same products are summed.
 */
export const foldPadIntoConv = defineRule({
  name: 'fold-pad-into-conv',
  match: op('Conv', op('Pad', anyValue.as('x'), constant).as('pad')).as('conv'),
  rewrite({ x, pad, conv }, r) {
    const amounts = padAmounts(pad, x.shape?.length);
    if (amounts instanceof Rejection) return amounts;
    const problem = notZeroPadding(pad, amounts);
    if (problem !== undefined) return problem;
    const pads = joinedPads(conv, amounts);
    if (pads instanceof Rejection) return pads;
    const attributes = conv.attributes.with({ pads, auto_pad: undefined });
    r.replace(conv, r.op.Conv([x, ...conv.inputs.slice(1)], attributes));
    return undefined;
  },
});
