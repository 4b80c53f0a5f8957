import { type BackendTable, defineBackend } from '@bitwright/backends';
import { dropIdentity, foldBatchNormIntoConv } from '@bitwright/fusions';
import { anyValue, defineRule, op, reject } from '@bitwright/rewrite';
import { assertClose, backendTester, huntForDifference, modelBuilder, ruleTester } from '@bitwright/testing';
import { describe, expect, test } from 'vitest';
import { replaceAddOfNeg } from '../../docs/plugin-template/src/replace-add-of-neg.js';

const model = (body: string) =>
  `<ir_version: 8, opset_import: ["" : 17]> g (float[2,3] x) => (float[2,3] y) { ${body} }`;

const renaming = (name: string, to: 'Relu' | 'Abs' | 'Sigmoid') =>
  defineRule({
    name,
    match: op('Abs', anyValue.as('x')).as('abs'),
    rewrite: ({ abs, x }, r) => {
      r.replace(abs, r.op[to]([x]));
    },
  });

describe('ruleTester', () => {
  test('holds shipped rules against built models', async () => {
    const before = modelBuilder((m) => {
      const conv = m.op('Conv', [m.input('x', ['N', 2, 4, 4]), m.random('w', [3, 2, 1, 1])]);
      const norm = ['g', 'b', 'm'].map((name) => m.random(name, [3]));
      return m.op('BatchNormalization', [conv, ...norm, m.random('v', [3], 0.5, 2)]);
    });
    const report = await ruleTester.run(foldBatchNormIntoConv, {
      matches: [{ before, times: 1, sizes: { N: 2 } }],
    });
    expect(report).toEqual({ matches: 1, rejects: 0 });
    await ruleTester.run(dropIdentity, {
      matches: [{ before: model('i = Identity(x) y = Relu(i)'), after: model('y = Relu (x)') }],
      rejects: [
        { model: model('y = Identity(x)'), code: 'RULE_OUTPUT_NAME' },
        { model: model('y = Relu(x)') },
      ],
    });
  });

  test('finds a rule that changes numbers, does not apply, does not end, makes something else, or refuses otherwise', async () => {
    const abs = { before: model('y = Abs(x)') };
    await expect(ruleTester.run(renaming('wrong', 'Relu'), { matches: [abs] })).rejects.toThrow(
      /Rule 'wrong', match 1: the output 'y': element \d+ is 0 where [\d.]+ is expected; they differ by /,
    );
    await expect(
      ruleTester.run(renaming('idle', 'Relu'), { matches: [{ name: 'tanh', before: model('y = Tanh(x)') }] }),
    ).rejects.toThrow("Rule 'idle', tanh: it does not apply");
    await expect(ruleTester.run(dropIdentity, { matches: [{ ...abs, times: 2 }] })).rejects.toThrow(
      'does not apply',
    );
    const refusing = defineRule({
      name: 'refusing',
      match: op('Abs', anyValue),
      where: () => reject('NO', 'not today'),
      rewrite: () => undefined,
    });
    const run = (code?: string) =>
      ruleTester.run(refusing, {
        matches: [],
        rejects: [{ model: model('y = Abs(x)'), ...(code && { code }) }],
      });
    await run('NO');
    await expect(run('YES')).rejects.toThrow('it refuses with NO, not with YES');
    await expect(run()).rejects.toThrow('no match is expected');
  });
});

describe('huntForDifference', () => {
  test('finds the smallest graph of which a wrong rule changes the result', async () => {
    const wrong = defineRule({
      name: 'wrong',
      match: op('Relu', op('Neg', anyValue.as('x'))).as('relu'),
      rewrite: ({ relu, x }, r) => {
        r.replace(relu, r.op.Relu([x]));
      },
    });
    await expect(huntForDifference(wrong, { runs: 300 })).rejects.toThrow(
      /The rule 'wrong' changes the result of a graph of 2 operators \(shrunk \d+ times\)/,
    );
  });

  test('finds nothing wrong with rules that are right', async () => {
    for (const rule of [replaceAddOfNeg, foldBatchNormIntoConv])
      expect(await huntForDifference(rule, { runs: 60 })).toBeGreaterThan(0);
  });
});

describe('backendTester', () => {
  const eight = { bits: [8] };
  const table: BackendTable = defineBackend({
    name: 'relus',
    description: 'for this test',
    entries: [{ pattern: ['Relu'], dtypes: [{ input: eight, output: eight }] }],
  });
  const built = modelBuilder((m) =>
    m.op('Abs', [m.op('Relu', [m.input('x', [1, 4])], {}, 'relu')], {}, 'abs'),
  );

  test('says what a table makes of nodes, and what is wrong', async () => {
    const quantizes = [{ model: built, node: 'relu', entry: 'Relu' }];
    await backendTester.run(table, {
      quantizes,
      leaves: [{ model: built, node: 'abs', code: 'FLOAT_NO_PATTERN' }],
    });
    await expect(
      backendTester.run(table, { quantizes: [{ model: built, node: 'abs', entry: 'Abs' }] }),
    ).rejects.toThrow("node 'abs': it is FLOAT_NO_PATTERN, and Abs is expected");
    const broken = { ...table, entries: [{ pattern: ['Rellu'], dtypes: [{ input: eight }] }] };
    await expect(backendTester.run(broken, { quantizes: [] })).rejects.toThrow(/Rellu/);
  });
});

describe('assertClose', () => {
  test('says which element is off, by how much, what is allowed and how many are', () => {
    assertClose([1, Number.NaN, Number.POSITIVE_INFINITY], [1.000001, Number.NaN, Number.POSITIVE_INFINITY]);
    const off = () => assertClose([1, 2.5, 3.1], [1, 2, 3], { absolute: 0.01, relative: 0 }, "'y'");
    expect(off).toThrow("'y': element 1 is 2.5 where 2 is expected; they differ by 0.5");
    expect(off).toThrow('0.01 + 0 * 2 = 0.01 is allowed. 2 of 3 elements are off.');
    expect(() => assertClose([1], [1, 2])).toThrow('1 elements were found and 2 expected');
    expect(() => assertClose([Number.NaN], [0])).toThrow('element 0 is NaN');
  });
});
