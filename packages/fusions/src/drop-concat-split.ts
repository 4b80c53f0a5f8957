import { integerData } from '@bitwright/core';
import { constantTensor, type Dim, type OpNode, type Value } from '@bitwright/graph';
import { anyValue, canReplace, defineRule, op, reject, variadic } from '@bitwright/rewrite';

/** Split(Concat(a, b, ...)) = a, b, ... where the parts are cut where they were joined. */
export const dropConcatSplit = defineRule({
  name: 'drop-concat-split',
  match: op('Split', op('Concat', variadic(anyValue.as('parts'))).as('concat')).as('split'),
  where: ({ split, concat, parts }) => {
    const rank = parts[0]!.shape?.length;
    const axes = [split.attributes.int('axis', 0), concat.attributes.int('axis', 0)];
    const [at, joined] = axes.map((axis) => (axis < 0 && rank !== undefined ? axis + rank : axis));
    if (at !== joined)
      return reject('RULE_AXES', 'it is joined along one axis and split along another', split);
    const given = parts.map(({ shape }) => shape?.[at! < 0 ? shape.length + at! : at!]);
    const cut = sizesOf(split, given);
    if (cut === undefined || cut.length !== parts.length || given.some((size, i) => size !== cut[i]))
      return reject('RULE_SPLIT_SIZES', 'it is not known to be split where it was joined', split);
    return (
      split.outputs.every((value: Value, i) => canReplace(value, parts[i]!)) ||
      reject('RULE_OUTPUT_NAME', 'one of its results must keep its name', split)
    );
  },
  rewrite: ({ split, parts }, r) => {
    r.replace(split, ...parts);
  },
});

/** The sizes that a Split cuts; even ones where it says none. */
function sizesOf(split: OpNode, given: readonly Dim[]): readonly number[] | undefined {
  const tensor = constantTensor(split.inputs[1]);
  if (split.inputs[1] !== undefined) return tensor && integerData(tensor);
  const attribute = split.attributes.ints('split');
  if (attribute !== undefined) return attribute;
  const even = given.every((size) => typeof size === 'number' && size === given[0]);
  return even ? split.outputs.map(() => given[0] as number) : undefined;
}
