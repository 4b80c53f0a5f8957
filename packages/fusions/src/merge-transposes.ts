import type { OpNode } from '@bitwright/graph';
import { anyOf, anyValue, canReplace, defineRule, op, reject } from '@bitwright/rewrite';

/**
 * Transpose(Transpose(x, p), q) = Transpose(x, r) with r[i] = p[q[i]], or x where that is no permutation at all; and
 * Transpose(x, identity) = x. A Transpose without `perm` reverses the axes.
 */
export const mergeTransposes = defineRule({
  name: 'merge-transposes',
  match: anyOf(
    op('Transpose', op('Transpose', anyValue.as('x')).as('first')).as('last'),
    op('Transpose', anyValue.as('x')).where(changesNothing, 'a perm that is the identity').as('last'),
  ),
  where: ({ last, first, x }) => {
    const perm = joined(last, first);
    if (perm === undefined)
      return reject('RULE_RANK_UNKNOWN', `both reverse the axes of '${x.name}', whose rank is not known`, x);
    return (
      !isIdentity(perm) ||
      canReplace(last.output, x) ||
      reject('RULE_OUTPUT_NAME', `'${last.output.name}' must keep its name`, last)
    );
  },
  rewrite: ({ last, first, x }, r) => {
    const perm = joined(last, first)!;
    r.replace(last, isIdentity(perm) ? x : r.op.Transpose([x], { perm }));
  },
});

function changesNothing({ attributes }: OpNode): boolean {
  const perm = attributes.ints('perm');
  return perm !== undefined && isIdentity(perm);
}

function joined(last: OpNode, first: OpNode | undefined): readonly number[] | undefined {
  const outer = last.attributes.ints('perm');
  if (first === undefined) return outer;
  const inner = first.attributes.ints('perm');
  const rank = outer?.length ?? inner?.length ?? first.inputs[0]?.shape?.length;
  if (rank === undefined) return undefined;
  const reversed = Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  return (outer ?? reversed).map((axis) => (inner ?? reversed)[axis]!);
}

function isIdentity(perm: readonly number[]): boolean {
  return perm.every((from, axis) => from === axis);
}
