import { anyOf, anyValue, constant, defineRule, op, same } from '@bitwright/rewrite';

const denominator = op('Add', op('Exp', op('Neg', anyValue.dtype('float').as('x'))), constant.scalar(1));

/**
 * 1 / (1 + exp(-x)) = Sigmoid(x) and x / (1 + exp(-x)) = x * Sigmoid(x), the SiLU, as exporters spell them.
 *
 * Equal up to the rounding of single elements.
 */
export const restoreSigmoid = defineRule({
  name: 'restore-sigmoid',
  match: anyOf(
    op('Div', constant.scalar(1), denominator).as('node'),
    op('Reciprocal', denominator).as('node'),
    op(
      'Div',
      anyValue.dtype('float').as('x'),
      op('Add', op('Exp', op('Neg', same('x'))), constant.scalar(1)),
    ).as('silu'),
  ),
  rewrite: ({ node, silu, x }, r) => {
    const sigmoid = r.op.Sigmoid([x]);
    if (node !== undefined) r.replace(node, sigmoid);
    else r.replace(silu!, r.op.Mul([x, sigmoid]));
  },
});
