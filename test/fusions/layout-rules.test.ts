import { int64Tensor } from '@bitwright/core';
import { fusionRules, mergeDuplicates } from '@bitwright/fusions';
import { type Graph, lint, parseModule, type Value } from '@bitwright/graph';
import { applyRules, foldConstants } from '@bitwright/rewrite';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seeds, underAllRules } from './property.js';
import { floatModel, largestDifference, opTypes, randomInput, run } from './support.js';

const ints = (graph: Graph, values: readonly number[]): Value =>
  graph.getAttr('i', int64Tensor(values)).output;
const relu = (graph: Graph, x: Value): Value => graph.createOp({ opType: 'Relu', inputs: [x] }).output;
const exp = (graph: Graph, x: Value): Value => graph.createOp({ opType: 'Exp', inputs: [x] }).output;
const between = (dims: readonly number[], make: (graph: Graph, x: Value) => Value) =>
  floatModel(dims, (graph, x) => exp(graph, make(graph, relu(graph, x))));

const permutation = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4, maxLength: 4 });

describe('what only moves values: the same bits', () => {
  test('merge-transposes: any two permutations become one or none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.option(permutation), fc.option(permutation), seeds, async (p, q, seed) => {
        const dims = [2, 3, 4, 5];
        const module = between(dims, (graph, x) =>
          [p, q].reduce((y: Value, perm) => {
            const attributes = perm === null ? {} : { perm };
            return graph.createOp({ opType: 'Transpose', inputs: [y], attributes }).output;
          }, x),
        );
        const { after, difference } = await underAllRules(module, dims, seed);
        expect(difference).toBe(0);
        const [inner, outer] = [p ?? [3, 2, 1, 0], q ?? [3, 2, 1, 0]];
        const isNone = outer.every((axis, i) => inner[axis] === i);
        expect(opTypes(after)).toEqual(isNone ? ['Relu', 'Exp'] : ['Relu', 'Transpose', 'Exp']);
      }),
      { numRuns: 40 },
    );
  });

  test('cancel-squeeze and drop-same-shape', async () => {
    const axes = fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(axes, fc.boolean(), seeds, async (given, same, seed) => {
        const other = same ? given : [0];
        const module = between([2, 3, 4], (graph, x) => {
          const wide = graph.createOp({ opType: 'Unsqueeze', inputs: [x, ints(graph, given)] }).output;
          return graph.createOp({ opType: 'Squeeze', inputs: [wide, ints(graph, [...other].reverse())] })
            .output;
        });
        if (!same && !given.includes(0)) return;
        const { after, difference } = await underAllRules(module, [2, 3, 4], seed);
        expect(difference).toBe(0);
        if (same || given.length === 1) expect(opTypes(after)).toEqual(['Relu', 'Exp']);
      }),
      { numRuns: 30 },
    );
    for (const [opType, target, stays] of [
      ['Reshape', [2, 3, 4], false],
      ['Reshape', [2, -1, 4], false],
      ['Reshape', [0, 0, -1], false],
      ['Reshape', [3, 2, 4], true],
      ['Expand', [2, 1, 4], false],
      ['Expand', [1], false],
      ['Expand', [2, 2, 3, 4], true],
    ] as const) {
      const module = between(
        [2, 3, 4],
        (graph, x) => graph.createOp({ opType, inputs: [x, ints(graph, target)] }).output,
      );
      const { after, difference } = await underAllRules(module, [2, 3, 4], 1);
      expect(difference).toBe(0);
      expect([opType, target, opTypes(after).length === 3]).toEqual([opType, target, stays]);
    }
  });

  test('a Reshape that keeps an open batch goes, too', () => {
    const module = parseModule(`<ir_version: 8, opset_import: ["": 17]> g (float[N,3,4] x) => (float[N,3,4] y)
      <int64[3] s = {-1, 3, 4}> { a = Relu(x) b = Reshape(a, s) y = Exp(b) }`);
    foldConstants(module);
    applyRules(module, fusionRules);
    expect(opTypes(module)).toEqual(['Relu', 'Exp']);
  });

  test('drop-split-concat: all parts in order, along one axis', async () => {
    const cases = fc.record({
      axis: fc.constantFrom(1, -2),
      joined: fc.constantFrom(1, -2, 2),
      order: fc.constantFrom([0, 1, 2], [1, 0, 2], [0, 1]),
      seed: seeds,
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ axis, joined, order, seed }) => {
        const dims = [2, 6, 6];
        const module = between(dims, (graph, x) => {
          const split = graph.createOp({
            opType: 'Split',
            inputs: [x, ints(graph, [2, 2, 2])],
            attributes: { axis },
            outputs: 3,
          });
          const inputs = order.map((i) => split.outputs[i]!);
          return graph.createOp({ opType: 'Concat', inputs, attributes: { axis: joined } }).output;
        });
        const { after, difference } = await underAllRules(module, dims, seed);
        expect(difference).toBe(0);
        const goes = joined !== 2 && order.join() === '0,1,2';
        expect(opTypes(after)).toEqual(goes ? ['Relu', 'Exp'] : ['Relu', 'Split', 'Concat', 'Exp']);
      }),
      { numRuns: 30 },
    );
  });

  test('drop-concat-split: cut where it was joined', async () => {
    const cases = fc.record({
      cut: fc.constantFrom([2, 4], [3, 3], [2, 2, 2]),
      axis: fc.constantFrom(1, -2),
      seed: seeds,
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ cut, axis, seed }) => {
        const dims = [2, 2, 3];
        const module = floatModel(dims, (graph, x) => {
          const [a, b] = [
            relu(graph, x),
            graph.createOp({ opType: 'Concat', inputs: [x, x], attributes: { axis: 1 } }).output,
          ];
          const joined = graph.createOp({
            opType: 'Concat',
            inputs: [a, exp(graph, b)],
            attributes: { axis: 1 },
          }).output;
          const split = graph.createOp({
            opType: 'Split',
            inputs: [joined, ints(graph, cut)],
            attributes: { axis },
            outputs: cut.length,
          });
          return split.outputs.map((value) => exp(graph, value));
        });
        const { after, difference } = await underAllRules(module, dims, seed);
        expect(difference).toBe(0);
        expect(opTypes(after).includes('Split')).toBe(cut.join() !== '2,4');
      }),
      { numRuns: 20 },
    );
  });

  test('drop-single-operand', async () => {
    for (const opType of ['Concat', 'Sum', 'Mean', 'Max', 'Min', 'Cast']) {
      const attributes = opType === 'Concat' ? { axis: 1 } : opType === 'Cast' ? { to: 1 } : {};
      const module = between(
        [2, 3],
        (graph, x) => graph.createOp({ opType, inputs: [x], attributes }).output,
      );
      foldConstants(module);
      const { after, difference } = await underAllRules(module, [2, 3], 1);
      expect(difference).toBe(0);
      expect(opTypes(after)).toEqual(['Relu', 'Exp']);
    }
  });
});

describe('mergeDuplicates', () => {
  const merged = (body: string, constants = 'float c = {2}') => {
    const module = parseModule(
      `<ir_version: 8, opset_import: ["": 17]> g (float[2] x) => (float[2] y) <${constants}> { ${body} }`,
    );
    const before = module.clone();
    const report = mergeDuplicates(module);
    lint(module);
    return { before, module, report, ops: opTypes(module) };
  };

  test('operators that compute the same of the same are one, chains of them too', async () => {
    const { before, module, ops, report } = merged(
      'a = Mul(x, c) b = Mul(x, d) e = Exp(a) f = Exp(b) y = Add(e, f)',
      'float c = {2}, float d = {2}',
    );
    expect(ops).toEqual(['Mul', 'Exp', 'Add']);
    expect(report).toEqual({
      constants: 1,
      operators: [
        { node: 'b', same: 'a' },
        { node: 'f', same: 'e' },
      ],
    });
    const feeds = { x: randomInput([2], 1) };
    expect(largestDifference(await run(before, feeds), await run(module, feeds))).toBe(0);
  });

  test.each([
    ['other attributes', 'a = Elu<alpha = 1.0>(x) b = Elu<alpha = 2.0>(x) y = Add(a, b)'],
    ['other inputs', 'a = Sub(x, c) b = Sub(c, x) y = Add(a, b)'],
    ['random operators', 'a = RandomNormalLike(x) b = RandomNormalLike(x) y = Add(a, b)'],
  ])('%s are not the same', (_, body) => {
    expect(merged(body).ops).toHaveLength(3);
  });

  test('outputs keep their makers, layers their parameters, zeros their sign', () => {
    const module =
      parseModule(`<ir_version: 8, opset_import: ["": 17]> g (float[2,2] x) => (float[2,2] y, float[2,2] z)
      <float[2,2] v = {1,2,3,4}, float[2,2] w = {1,2,3,4}, float p = {0}, float n = {-0.0}> {
        a = MatMul(x, v) b = MatMul(x, w) c = Add(a, p) d = Add(b, n) e = Add(c, d) y = Exp(e) z = Exp(e) }`);
    expect(mergeDuplicates(module)).toEqual({ constants: 0, operators: [] });
  });
});
