import type { GetAttrNode, Value } from '@bitwright/graph';
import { anyOf, anyValue, canReplace, constant, defineRule, op, reject } from '@bitwright/rewrite';

/**
 * x + 0 = x - 0 = x * 1 = x / 1 = x, where the constant does not make x larger by broadcasting.
 *
 * Exact, save that -0 + 0 is 0.
 */
export const dropNeutralArithmetic = defineRule({
  name: 'drop-neutral-arithmetic',
  match: anyOf(
    op('Add', anyValue.as('x'), constant.elements(0).as('c')).as('node'),
    op('Sub', anyValue.as('x'), constant.elements(0).as('c')).as('node'),
    op('Mul', anyValue.as('x'), constant.elements(1).as('c')).as('node'),
    op('Div', anyValue.as('x'), constant.elements(1).as('c')).as('node'),
  ),
  where: ({ node, x, c }) => {
    if (broadens(c, x))
      return reject('RULE_BROADCAST', `'${c.output.name}' may give '${x.name}' another shape`, c);
    return (
      canReplace(node.output, x) ||
      reject('RULE_OUTPUT_NAME', `'${node.output.name}' must keep its name`, node)
    );
  },
  rewrite: ({ node, x }, r) => {
    r.replace(node, x);
  },
});

/** True unless every axis of the constant is 1 or as long as that of x. */
function broadens({ tensor: { dims } }: GetAttrNode, x: Value): boolean {
  if (dims.length === 0) return false;
  if (x.shape === undefined || dims.length > x.shape.length) return true;
  const from = x.shape.length - dims.length;
  return dims.some((dim, axis) => dim !== 1 && dim !== x.shape![from + axis]);
}
