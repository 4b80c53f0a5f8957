import type { GetAttrNode, OpNode } from '@bitwright/graph';
import { anyOf, anyValue, constant, defineRule, op, readNumber, reject } from '@bitwright/rewrite';

const clipped = op(
  'Clip',
  op('Add', anyValue.dtype('float').as('x'), constant.scalar().as('offset')),
  constant.scalar(0),
  constant.scalar().as('top'),
);

const mapped = anyOf(
  op(
    'Div',
    op('Add', anyValue.dtype('float').as('x'), constant.scalar().as('offset')),
    constant.scalar().as('factor'),
  ).as('inner'),
  op(
    'Mul',
    op('Add', anyValue.dtype('float').as('x'), constant.scalar().as('offset')),
    constant.scalar().as('factor'),
  ).as('inner'),
);

/**
 * The spellings of a hard sigmoid become HardSigmoid(x, alpha, beta) = max(0, min(1, alpha x + beta)).
 *
 *     clip(x + c, 0, 1/f) * f    and    clip((x + c) * f, 0, 1)    so    alpha = f,  beta = c f;    / d is * (1/d)
 *
 * Equal up to the rounding of single elements (within 4e-7).
 */
export const restoreHardSigmoid = defineRule({
  name: 'restore-hard-sigmoid',
  match: anyOf(
    op('Div', clipped, constant.scalar().as('factor')).as('node'),
    op('Mul', clipped, constant.scalar().as('factor')).as('node'),
    op('Clip', mapped, constant.scalar(0), constant.scalar(1)).as('node'),
  ),
  where: ({ node, inner, factor, top }) => {
    const alpha = factorOf(inner ?? node, factor);
    return (
      top === undefined ||
      Math.abs(readNumber(top.tensor)! * alpha - 1) < 1e-6 ||
      reject('RULE_NO_HARD_SIGMOID', `its bound and factor do not give 1 together`, node)
    );
  },
  rewrite: ({ node, inner, x, offset, factor }, r) => {
    const alpha = factorOf(inner ?? node, factor);
    r.replace(node, r.op.HardSigmoid([x], { alpha, beta: readNumber(offset.tensor)! * alpha }));
  },
});

function factorOf(arithmetic: OpNode, factor: GetAttrNode): number {
  const value = readNumber(factor.tensor)!;
  return arithmetic.opType === 'Div' ? 1 / value : value;
}
