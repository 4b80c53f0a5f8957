import { floatTensor } from '@bitwright/core';
import type { Graph, Value } from '@bitwright/graph';
import { describe, expect, test } from 'vitest';
import { underAllRules } from './property.js';
import { floatModel, opTypes } from './support.js';

/** One more rounding of single elements, relative to values up to 1 and beyond. */
const TOLERANCE = 5e-7;
const DIMS = [3, 5, 7];

type Make = (graph: Graph, x: Value) => Value;

const scalar = (graph: Graph, value: number, dims: number[] = []): Value =>
  graph.getAttr('c', floatTensor([value], dims)).output;
const op = (graph: Graph, opType: string, ...inputs: Value[]): Value =>
  graph.createOp({ opType, inputs }).output;
const clip = (graph: Graph, x: Value, low: number, high: number): Value =>
  op(graph, 'Clip', x, scalar(graph, low), scalar(graph, high));
const plus3 = (graph: Graph, x: Value): Value => op(graph, 'Add', x, scalar(graph, 3));
const gate = (graph: Graph, x: Value): Value => clip(graph, plus3(graph, x), 0, 6);
const exp = (graph: Graph, x: Value): Value =>
  op(graph, 'Add', scalar(graph, 1), op(graph, 'Exp', op(graph, 'Neg', x)));

const SPELLINGS: Readonly<Record<string, readonly [Make, readonly string[]]>> = {
  'clip(x + 3, 0, 6) / 6': [(g, x) => op(g, 'Div', gate(g, x), scalar(g, 6)), ['HardSigmoid']],
  'clip(x + 3, 0, 6) * (1/6)': [(g, x) => op(g, 'Mul', scalar(g, 1 / 6, [1]), gate(g, x)), ['HardSigmoid']],
  'clip((x + 3) / 6, 0, 1)': [
    (g, x) => clip(g, op(g, 'Div', plus3(g, x), scalar(g, 6)), 0, 1),
    ['HardSigmoid'],
  ],
  'clip((x + 2.5) * 0.2, 0, 1)': [
    (g, x) => clip(g, op(g, 'Mul', op(g, 'Add', x, scalar(g, 2.5)), scalar(g, 0.2)), 0, 1),
    ['HardSigmoid'],
  ],
  'x * clip(x + 3, 0, 6) / 6': [
    (g, x) => op(g, 'Div', op(g, 'Mul', x, gate(g, x)), scalar(g, 6)),
    ['HardSigmoid', 'Mul'],
  ],
  'clip(x + 3, 0, 6) * x * (1/6)': [
    (g, x) => op(g, 'Mul', op(g, 'Mul', gate(g, x), x), scalar(g, 1 / 6)),
    ['HardSigmoid', 'Mul'],
  ],
  'x * (clip(x + 3, 0, 6) / 6)': [
    (g, x) => op(g, 'Mul', x, op(g, 'Div', gate(g, x), scalar(g, 6))),
    ['HardSigmoid', 'Mul'],
  ],
  '1 / (1 + exp(-x))': [(g, x) => op(g, 'Div', scalar(g, 1), exp(g, x)), ['Sigmoid']],
  'reciprocal(1 + exp(-x))': [(g, x) => op(g, 'Reciprocal', exp(g, x)), ['Sigmoid']],
  'x / (1 + exp(-x))': [(g, x) => op(g, 'Div', x, exp(g, x)), ['Sigmoid', 'Mul']],
};

describe('activations as exporters spell them', () => {
  for (const [spelling, [make, expected]] of Object.entries(SPELLINGS)) {
    test(spelling, async () => {
      const module = floatModel(DIMS, (graph, x) => {
        const wide = op(graph, 'Mul', x, scalar(graph, 4));
        const seen = op(graph, 'Abs', wide);
        return [make(graph, wide), seen];
      });
      for (const seed of [1, 2, 3]) {
        const { after, difference } = await underAllRules(module, DIMS, seed);
        expect(
          opTypes(after)
            .filter((type) => type !== 'Abs')
            .slice(1),
        ).toEqual(expected);
        expect(difference).toBeLessThan(TOLERANCE);
      }
    });
  }

  test.each<readonly [string, Make]>([
    ['another bound', (g, x) => op(g, 'Div', clip(g, plus3(g, x), 0, 5), scalar(g, 6))],
    ['another factor', (g, x) => op(g, 'Mul', op(g, 'Mul', x, gate(g, x)), scalar(g, 0.5))],
  ])('%s is left alone, with a reason', async (_, make) => {
    const module = floatModel(DIMS, (graph, x) => make(graph, op(graph, 'Relu', x)));
    const { after, report, difference } = await underAllRules(module, DIMS, 1);
    expect(difference).toBeLessThan(TOLERANCE);
    expect(opTypes(after)).toContain('Clip');
    expect(report.rejected.map(({ code }) => code)).toContain('RULE_NO_HARD_SIGMOID');
  });

  test('a gate of another value is no hard swish', async () => {
    const module = floatModel(DIMS, (graph, x) => {
      const other = op(graph, 'Neg', x);
      return op(graph, 'Div', op(graph, 'Mul', other, gate(graph, x)), scalar(graph, 6));
    });
    const { after, difference } = await underAllRules(module, DIMS, 1);
    expect(difference).toBe(0);
    expect(opTypes(after)).toEqual(['Neg', 'Add', 'Clip', 'Mul', 'Div']);
  });
});
