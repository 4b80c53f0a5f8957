import { anyOf, anyValue, constant, defineRule, op, readNumber, reject, same } from '@bitwright/rewrite';

const product = op(
  'Mul',
  anyValue.dtype('float').as('x'),
  op('Clip', op('Add', same('x'), constant.scalar(3)), constant.scalar(0), constant.scalar(6)),
);

/**
 * x * clip(x + 3, 0, 6) / 6 = x * HardSigmoid(x, 1/6, 1/2): the hard swish in the form in which older operator sets have it, so
 * that a table finds every spelling in one. x * (clip(x + 3, 0, 6) / 6) is found by the rule for the hard sigmoid.
 *
 * Equal up to the rounding of single elements.
 */
export const restoreHardSwish = defineRule({
  name: 'restore-hard-swish',
  match: anyOf(
    op('Div', product, constant.scalar(6).as('factor')).as('node'),
    op('Mul', product, constant.scalar().as('factor')).as('node'),
  ),
  where: ({ node, factor }) =>
    node.opType === 'Div' ||
    Math.abs(readNumber(factor.tensor)! * 6 - 1) < 1e-6 ||
    reject('RULE_NO_HARD_SIGMOID', 'its factor is not 1/6', factor),
  rewrite: ({ node, x }, r) => {
    r.replace(node, r.op.Mul([x, r.op.HardSigmoid([x], { alpha: 1 / 6, beta: 0.5 })]));
  },
});
