import type { OpNode, Value } from '@bitwright/graph';
import { anyValue, canReplace, defineRule, op, reject, variadic } from '@bitwright/rewrite';

/** Concat(Split(x)) = x: all parts, in order, along the same axis. */
export const dropSplitConcat = defineRule({
  name: 'drop-split-concat',
  match: op('Concat', variadic(anyValue.as('parts')))
    .where(joinsASplit, 'all parts of one Split')
    .as('concat'),
  where: ({ concat, parts }) => {
    const split = parts[0]!.producer as OpNode;
    const rank = split.inputs[0]!.shape?.length;
    if (axisOf(split, 0, rank) !== axisOf(concat, undefined, rank))
      return reject('RULE_AXES', 'it is split along one axis and joined along another', concat);
    return (
      canReplace(concat.output, split.inputs[0]!) ||
      reject('RULE_OUTPUT_NAME', `'${concat.output.name}' must keep its name`, concat)
    );
  },
  rewrite: ({ concat, parts }, r) => {
    r.replace(concat, (parts[0]!.producer as OpNode).inputs[0]);
  },
});

function joinsASplit({ inputs }: OpNode): boolean {
  const split = inputs[0]?.producer;
  if (split?.kind !== 'op' || !split.is('Split') || split.outputs.length !== inputs.length) return false;
  return inputs.every((value: Value | undefined, i) => value === split.outputs[i]);
}

/** An axis counted from the front where that can be told. */
function axisOf(node: OpNode, fallback: number | undefined, rank: number | undefined): number | undefined {
  const axis = node.attributes.has('axis') ? node.attributes.int('axis', 0) : fallback;
  return axis !== undefined && axis < 0 && rank !== undefined ? axis + rank : axis;
}
