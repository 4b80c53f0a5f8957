import { dtypeOfCode } from '@bitwright/core';
import type { OpNode } from '@bitwright/graph';
import { anyOf, anyValue, canReplace, defineRule, op, reject } from '@bitwright/rewrite';

const isSingle = ({ inputs }: OpNode): boolean => inputs.length === 1;
const SINGLE = 'a single operand';

/** Concat(x) = Sum(x) = Mean(x) = Max(x) = Min(x) = x, and Cast(x) = x to the type that x has. */
export const dropSingleOperand = defineRule({
  name: 'drop-single-operand',
  match: anyOf(
    op('Concat', anyValue.as('x')).where(isSingle, SINGLE).as('node'),
    op('Sum', anyValue.as('x')).where(isSingle, SINGLE).as('node'),
    op('Mean', anyValue.as('x')).where(isSingle, SINGLE).as('node'),
    op('Max', anyValue.as('x')).where(isSingle, SINGLE).as('node'),
    op('Min', anyValue.as('x')).where(isSingle, SINGLE).as('node'),
    op('Cast', anyValue.as('x')).where(castsToItself, 'a cast to the type of its operand').as('node'),
  ),
  where: ({ node, x }) =>
    canReplace(node.output, x) ||
    reject('RULE_OUTPUT_NAME', `'${node.output.name}' must keep its name`, node),
  rewrite: ({ node, x }, r) => {
    r.replace(node, x);
  },
});

function castsToItself({ attributes, inputs }: OpNode): boolean {
  const dtype = inputs[0]?.dtype;
  return dtype !== undefined && dtypeOfCode(attributes.int('to', 0)) === dtype;
}
