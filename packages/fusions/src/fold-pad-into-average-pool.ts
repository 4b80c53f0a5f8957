import { anyValue, constant, defineRule, op, Rejection, reject } from '@bitwright/rewrite';
import { joinedPads, notZeroPadding, padAmounts } from './pads.js';

/**
 * AveragePool(Pad(x)) = AveragePool(x) with the padding added to its own and counted, when the Pad adds zeros.
 *
 *     With count_include_pad = 1 padding is averaged in as zeros:    pads'[i] = pads[i] + amount[i]
 *
 * Legal when the pool counts its own padding or has none; with ceil_mode a window may begin in the padding, which a pool
 * leaves out, and runtimes want less padding than the window is wide. A MaxPool ignores its padding, so it is left alone.
 */
export const foldPadIntoAveragePool = defineRule({
  name: 'fold-pad-into-average-pool',
  match: op('AveragePool', op('Pad', anyValue.as('x'), constant).as('pad')).as('pool'),
  rewrite({ x, pad, pool }, r) {
    const amounts = padAmounts(pad, x.shape?.length);
    if (amounts instanceof Rejection) return amounts;
    const problem = notZeroPadding(pad, amounts);
    if (problem !== undefined) return problem;
    const { attributes } = pool;
    const own = attributes.ints('pads') ?? [];
    if (attributes.int('count_include_pad', 0) === 0 && own.some((amount) => amount !== 0))
      return reject(
        'RULE_POOL_PADDING',
        'the pool does not count its own padding, and would not count this',
        pool,
      );
    const pads = joinedPads(pool, amounts);
    if (pads instanceof Rejection) return pads;
    const window = attributes.ints('kernel_shape') ?? [];
    if (
      attributes.int('ceil_mode', 0) !== 0 ||
      pads.some((amount, i) => amount >= (window[i % window.length] ?? 0))
    )
      return reject('RULE_POOL_PADDING', 'the padding is as wide as the window, or the pool rounds up', pool);
    const joined = attributes.with({ pads, count_include_pad: 1, auto_pad: undefined });
    r.replace(pool, r.op.AveragePool([x], joined));
    return undefined;
  },
});
