import { integerData } from '@bitwright/core';
import { constantTensor, type OpNode } from '@bitwright/graph';
import { anyOf, anyValue, canReplace, defineRule, op, reject } from '@bitwright/rewrite';

/** Squeeze(Unsqueeze(x, axes), axes) = x and Unsqueeze(Squeeze(x, axes), axes) = x: the same axes of size 1 come and go. */
export const cancelSqueeze = defineRule({
  name: 'cancel-squeeze',
  match: anyOf(
    op('Squeeze', op('Unsqueeze', anyValue.as('x')).as('inner')).as('outer'),
    op('Unsqueeze', op('Squeeze', anyValue.as('x')).as('inner')).as('outer'),
  ),
  where: ({ outer, inner, x }) => {
    const [first, last] = [axesOf(inner), axesOf(outer)];
    if (first === undefined || last === undefined)
      return reject('RULE_NOT_CONSTANT', 'the axes are computed, or left out', outer);
    if (first.join() !== last.join())
      return reject(
        'RULE_AXES',
        `axes [${first.join(', ')}] and [${last.join(', ')}] are not the same`,
        outer,
      );
    return (
      canReplace(outer.output, x) ||
      reject('RULE_OUTPUT_NAME', `'${outer.output.name}' must keep its name`, outer)
    );
  },
  rewrite: ({ outer, x }, r) => {
    r.replace(outer, x);
  },
});

/** The axes in order, from an input (opset 13) or an attribute; both count from the front or both from the end. */
function axesOf(node: OpNode): number[] | undefined {
  const tensor = constantTensor(node.inputs[1]);
  if (tensor === undefined && node.inputs[1] !== undefined) return undefined;
  const axes = tensor === undefined ? node.attributes.ints('axes') : integerData(tensor);
  return axes === undefined ? undefined : [...axes].sort((a, b) => a - b);
}
