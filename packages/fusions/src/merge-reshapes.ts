import { integerData } from '@bitwright/core';
import { anyOf, anyValue, constant, defineRule, op, reject } from '@bitwright/rewrite';

/**
 * Reshape(Reshape(x, s), t) = Reshape(x, t), also behind a Flatten, Squeeze or Unsqueeze: the order of the elements is the
 * same in all of them. The target t must not copy a size (0) of what it reshapes.
 */
export const mergeReshapes = defineRule({
  name: 'merge-reshapes',
  match: op(
    'Reshape',
    anyOf(
      op('Reshape', anyValue.as('x')),
      op('Flatten', anyValue.as('x')),
      op('Squeeze', anyValue.as('x')),
      op('Unsqueeze', anyValue.as('x')),
    ),
    constant.as('target'),
  ).as('reshape'),
  where: ({ reshape, target }) =>
    reshape.attributes.int('allowzero', 0) !== 0 ||
    !integerData(target.tensor).includes(0) ||
    reject('RULE_COPIES_SIZE', 'its target copies a size of what it reshapes', target),
  rewrite: ({ reshape, target, x }, r) => {
    r.replace(reshape, r.op.Reshape([x, target], reshape.attributes));
  },
});
