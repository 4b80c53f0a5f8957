import { integerData } from '@bitwright/core';
import { anyValue, canReplace, constant, defineRule, op, reject } from '@bitwright/rewrite';

/** Pad(x) = x when all amounts are zero: exporters leave such a Pad before a pooling. */
export const dropEmptyPad = defineRule({
  name: 'drop-empty-pad',
  match: op(
    'Pad',
    anyValue.as('x'),
    constant.where(({ tensor }) => integerData(tensor).every((amount) => amount === 0), 'amounts of zero'),
  ).as('pad'),
  where: ({ pad, x }) =>
    canReplace(pad.output, x) || reject('RULE_OUTPUT_NAME', `'${pad.output.name}' must keep its name`, pad),
  rewrite: ({ pad, x }, r) => {
    r.replace(pad, x);
  },
});
