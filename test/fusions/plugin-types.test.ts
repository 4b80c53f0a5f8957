import { parseModule } from '@bitwright/graph';
import { type AnchorOf, anyValue, applyRules, defineRule, op } from '@bitwright/rewrite';
import { expect, expectTypeOf, test } from 'vitest';

declare module 'bitwright/plugin' {
  interface OpSchemas {
    'test.plugin.Twice': { inputs: 1; outputs: 1; attributes: { by: number } };
  }
}

test('a plugin adds an operator by declaration merging and rewrites it', () => {
  const module = parseModule(
    '<ir_version: 8, opset_import: ["" : 13, "test.plugin" : 1]> g (float[2] x) => (float[2] y) { y = test.plugin.Twice<by = 2>(x) }',
  );
  const match = op('test.plugin.Twice', anyValue.as('x')).attributes({ by: 2 }).as('twice');
  expectTypeOf<AnchorOf<typeof match>>().toEqualTypeOf<'twice'>();
  const rule = defineRule({
    name: 'twice-to-add',
    match,
    anchor: 'twice',
    rewrite: ({ twice, x }, r) => {
      r.replace(twice, r.op.Add([x, x]));
    },
  });
  expect(applyRules(module, [rule]).applied).toEqual([{ rule: 'twice-to-add', node: 'y' }]);
  const mistakes = () => [
    // @ts-expect-error misspelt attribute of the plugin's operator
    op('test.plugin.Twice', anyValue).attributes({ bye: 2 }),
    // @ts-expect-error too many inputs for it
    op('test.plugin.Twice', anyValue, anyValue),
    // @ts-expect-error an anchor that the pattern does not bind
    defineRule({ name: 'r', match, anchor: 'thrice', rewrite: () => undefined }),
    // @ts-expect-error an anchor that is no operator
    defineRule({ name: 'r', match, anchor: 'x', rewrite: () => undefined }),
    // @ts-expect-error a capture that the pattern does not bind
    defineRule({ name: 'r', match, rewrite: ({ z }) => z }),
    defineRule({
      name: 'r',
      match,
      rewrite: ({ x }, r) => {
        // @ts-expect-error an attribute that Add does not have
        r.op.Add([x, x], { axis: 1 });
      },
    }),
  ];
  expectTypeOf(mistakes).toBeFunction();
});
