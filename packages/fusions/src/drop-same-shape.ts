import type { Dim, OpNode } from '@bitwright/graph';
import { anyOf, anyValue, canReplace, defineRule, isGraphOutput, op, reject } from '@bitwright/rewrite';

const same = 'a result that has the known shape of its operand';

/**
 * Reshape(x) = Flatten(x) = Squeeze(x) = Unsqueeze(x) = Expand(x) = x where the result has the shape that x has: all sizes
 * known, or one alone open, which then is the same because the number of elements is.
 */
export const dropSameShape = defineRule({
  name: 'drop-same-shape',
  match: anyOf(
    op('Reshape', anyValue.as('x')).where(keepsShape, same).as('node'),
    op('Flatten', anyValue.as('x')).where(keepsShape, same).as('node'),
    op('Squeeze', anyValue.as('x')).where(keepsShape, same).as('node'),
    op('Expand', anyValue.as('x')).where(keepsShape, same).as('node'),
  ),
  where: ({ node, x }) =>
    (canReplace(node.output, x) && !(isGraphOutput(node.output) && x.uses.size > 1)) ||
    reject('RULE_OUTPUT_NAME', `'${node.output.name}' must keep its name`, node),
  rewrite: ({ node, x }, r) => {
    r.replace(node, x);
  },
});

function keepsShape({ inputs, outputs, opType }: OpNode): boolean {
  const [before, after] = [inputs[0]?.shape, outputs[0]?.shape];
  if (before === undefined || after === undefined || before.length !== after.length) return false;
  const open = before.flatMap((dim, axis) => (isKnown(dim) && dim === after[axis] ? [] : [axis]));
  if (open.length === 0) return true;
  // an empty or broadcast axis would leave the one open size undecided
  const [axis] = open;
  const decided = before.every((dim, i) => i === axis || dim !== 0);
  return (
    opType !== 'Expand' && open.length === 1 && decided && !isKnown(before[axis!]) && !isKnown(after[axis!])
  );
}

function isKnown(dim: Dim): dim is number {
  return typeof dim === 'number';
}
