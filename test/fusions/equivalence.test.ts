import { int64Tensor } from '@bitwright/core';
import { fusionRules } from '@bitwright/fusions';
import { type Graph, type GraphModule, lint, type Value } from '@bitwright/graph';
import { applyRules, foldConstants, type RulesReport } from '@bitwright/rewrite';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Constants, floatModel, largestDifference, opTypes, randomInput, run } from './support.js';

/** What float32 sums of at most some hundred products may differ by, relative to the largest value. */
const TOLERANCE = 2e-6;

/** Fuses a copy and compares what both compute. */
async function fused(
  module: GraphModule,
  dims: readonly number[],
  seed: number,
): Promise<{ after: GraphModule; report: RulesReport; difference: number }> {
  const after = module.clone();
  foldConstants(after);
  const report = applyRules(after, fusionRules);
  lint(after);
  const feeds = { x: randomInput(dims, seed) };
  const difference = largestDifference(await run(module, feeds), await run(after, feeds));
  return { after, report, difference };
}

const seeds = fc.integer({ min: 0, max: 1_000_000 });

/** A convolution of any shape that is legal for an input of 8 (by 9, by 5). */
const convolutions = fc.record({
  transposed: fc.boolean(),
  rank: fc.integer({ min: 1, max: 3 }),
  group: fc.integer({ min: 1, max: 3 }),
  inputs: fc.integer({ min: 1, max: 3 }),
  outputs: fc.integer({ min: 1, max: 4 }),
  kernel: fc.integer({ min: 1, max: 3 }),
  stride: fc.integer({ min: 1, max: 2 }),
  dilation: fc.integer({ min: 1, max: 2 }),
  pad: fc.integer({ min: 0, max: 1 }),
  bias: fc.boolean(),
  seed: seeds,
});

type Convolution = typeof convolutions extends fc.Arbitrary<infer T> ? T : never;

const inputDims = ({ rank, group, inputs }: Convolution) => [2, group * inputs, ...[8, 9, 5].slice(0, rank)];

function makeConv(graph: Graph, x: Value, c: Convolution, constants: Constants, name = 'conv'): Value {
  const { transposed, rank, group, inputs, outputs } = c;
  const kernel = new Array<number>(rank).fill(c.kernel);
  const [first, second] = transposed ? [group * inputs, outputs] : [group * outputs, inputs];
  const w = constants.float(`${name}.weight`, [first, second, ...kernel]);
  const bias = c.bias ? [constants.float(`${name}.bias`, [group * outputs])] : [];
  return graph.createOp({
    opType: transposed ? 'ConvTranspose' : 'Conv',
    name,
    inputs: [x, w, ...bias],
    attributes: {
      group,
      strides: new Array(rank).fill(c.stride),
      dilations: new Array(rank).fill(c.dilation),
      pads: new Array(2 * rank).fill(c.pad),
    },
  }).output;
}

const batchNorm = (graph: Graph, x: Value, channels: number, constants: Constants, name = 'bn') =>
  graph.createOp({
    opType: 'BatchNormalization',
    name,
    inputs: [x, ...constants.batchNorm(channels)],
    attributes: { epsilon: { type: 'float', value: 1e-3 } },
  }).output;

describe('rules make what computes the same, whatever the shapes', () => {
  test('fold-batch-norm-into-conv: Conv and ConvTranspose, 1 to 3 axes, groups, strides, dilations', async () => {
    await fc.assert(
      fc.asyncProperty(convolutions, async (c) => {
        const module = floatModel(inputDims(c), (graph, x) => {
          const constants = new Constants(graph, c.seed);
          return batchNorm(graph, makeConv(graph, x, c, constants), c.group * c.outputs, constants);
        });
        const { after, report, difference } = await fused(module, inputDims(c), c.seed);
        expect(opTypes(after)).toEqual([c.transposed ? 'ConvTranspose' : 'Conv']);
        expect(report.applied).toEqual([{ rule: 'fold-batch-norm-into-conv', node: 'bn' }]);
        expect([...after.graph.ops()][0]!.name).toBe('conv');
        expect(difference).toBeLessThan(TOLERANCE);
      }),
      { numRuns: 60 },
    );
  });

  test('fold-constant-into-conv: +, *, -, / with one value a channel or one for all, on either side', async () => {
    const cases = fc.record({
      conv: convolutions,
      opType: fc.constantFrom('Add', 'Mul', 'Sub', 'Div'),
      first: fc.boolean(),
      scalar: fc.boolean(),
      leading: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ conv: c, opType, first, scalar, leading }) => {
        const channels = scalar ? 1 : c.group * c.outputs;
        const dims = [...(leading ? [1] : []), channels, ...new Array<number>(c.rank).fill(1)];
        const module = floatModel(inputDims(c), (graph, x) => {
          const constants = new Constants(graph, c.seed);
          const conv = makeConv(graph, x, c, constants);
          const value = constants.float('c', dims, 0.5, 2);
          return graph.createOp({ opType, inputs: first ? [value, conv] : [conv, value] }).output;
        });
        const { after, report, difference } = await fused(module, inputDims(c), c.seed);
        if (opType === 'Div' && first) expect(report.applied).toEqual([]);
        else {
          expect(opTypes(after)).toHaveLength(1);
          expect(difference).toBeLessThan(TOLERANCE);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('a chain of Conv, Mul, Add and BatchNormalization ends in one Conv', async () => {
    await fc.assert(
      fc.asyncProperty(convolutions, async (c) => {
        const channels = c.group * c.outputs;
        const shape = [channels, ...new Array<number>(c.rank).fill(1)];
        const module = floatModel(inputDims(c), (graph, x) => {
          const constants = new Constants(graph, c.seed);
          const conv = makeConv(graph, x, c, constants);
          const mul = graph.createOp({ opType: 'Mul', inputs: [conv, constants.float('m', shape)] }).output;
          const add = graph.createOp({ opType: 'Add', inputs: [constants.float('a', shape), mul] }).output;
          return batchNorm(graph, add, channels, constants);
        });
        const { after, difference } = await fused(module, inputDims(c), c.seed);
        expect(opTypes(after)).toHaveLength(1);
        expect(difference).toBeLessThan(TOLERANCE);
      }),
      { numRuns: 20 },
    );
  });

  test('fold-batch-norm-into-gemm and fold-constant-into-gemm: both layouts, alpha, beta, all shapes of bias', async () => {
    const cases = fc.record({
      transB: fc.boolean(),
      transA: fc.boolean(),
      alpha: fc.constantFrom(1, 0.5),
      beta: fc.constantFrom(1, -2),
      bias: fc.constantFrom(undefined, [], [1], [5], [1, 5], [1, 1]),
      next: fc.constantFrom('BatchNormalization', 'Add', 'Mul', 'Sub', 'Div'),
      seed: seeds,
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ transA, transB, alpha, beta, bias, next, seed }) => {
        const dims = transA ? [4, 3] : [3, 4];
        const module = floatModel(dims, (graph, x) => {
          const constants = new Constants(graph, seed);
          const w = constants.float('fc.weight', transB ? [5, 4] : [4, 5]);
          const attributes = {
            transA: transA ? 1 : 0,
            transB: transB ? 1 : 0,
            alpha: { type: 'float', value: alpha },
            beta: { type: 'float', value: beta },
          } as const;
          const inputs = [x, w, ...(bias ? [constants.float('fc.bias', bias)] : [])];
          const y = graph.createOp({ opType: 'Gemm', name: 'fc', inputs, attributes }).output;
          if (next === 'BatchNormalization') return batchNorm(graph, y, 5, constants);
          return graph.createOp({ opType: next, inputs: [y, constants.float('c', [5], 0.5, 2)] }).output;
        });
        const { after, difference } = await fused(module, dims, seed);
        expect(opTypes(after)).toEqual(['Gemm']);
        expect([...after.graph.ops()][0]!.name).toBe('fc');
        expect(difference).toBeLessThan(TOLERANCE);
      }),
      { numRuns: 60 },
    );
  });

  test('fold-matmul-add-into-gemm, and a BatchNormalization behind a MatMul: matrices only', async () => {
    const cases = fc.record({
      rank: fc.integer({ min: 2, max: 3 }),
      add: fc.boolean(),
      norm: fc.boolean(),
      seed: seeds,
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ rank, add, norm, seed }) => {
        const dims = [5, 5, 5].slice(0, rank);
        const module = floatModel(dims, (graph, x) => {
          const constants = new Constants(graph, seed);
          const inputs = [x, constants.float('w', [5, 5])];
          let y = graph.createOp({ opType: 'MatMul', name: 'matmul', inputs }).output;
          if (add) y = graph.createOp({ opType: 'Add', inputs: [constants.float('b', [5]), y] }).output;
          return norm ? batchNorm(graph, y, 5, constants) : y;
        });
        const { after, report, difference } = await fused(module, dims, seed);
        expect(difference).toBeLessThan(TOLERANCE);
        if (rank === 2 && (add || norm)) expect(opTypes(after)).toEqual(['Gemm']);
        if (rank === 3 && add) expect(report.rejected.map(({ code }) => code)).toContain('RULE_RANK');
      }),
      { numRuns: 30 },
    );
  });

  test('fold-pad-into-conv: zeros at the border, uneven ones too', async () => {
    const cases = fc.record({
      conv: convolutions,
      amounts: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 6, maxLength: 6 }),
      auto: fc.constantFrom('NOTSET', 'VALID'),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ conv, amounts, auto }) => {
        const c = { ...conv, transposed: false };
        const pads = [0, 0, ...amounts.slice(0, c.rank), 0, 0, ...amounts.slice(3, 3 + c.rank)];
        const module = floatModel(inputDims(c), (graph, x) => {
          const amount = graph.getAttr('pads', int64Tensor(pads)).output;
          const padded = graph.createOp({ opType: 'Pad', inputs: [x, amount] }).output;
          const y = makeConv(graph, padded, c, new Constants(graph, c.seed));
          const { producer } = y;
          if (auto === 'VALID' && producer.kind === 'op')
            producer.attributes = producer.attributes.with({ auto_pad: 'VALID', pads: undefined });
          return y;
        });
        const { after, difference } = await fused(module, inputDims(c), c.seed);
        expect(opTypes(after)).toEqual(['Conv']);
        expect(difference).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  test('fold-pad-into-average-pool: exact where it is legal, left alone elsewhere', async () => {
    const cases = fc.record({
      amounts: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 4, maxLength: 4 }),
      own: fc.integer({ min: 0, max: 1 }),
      counted: fc.boolean(),
      ceil: fc.boolean(),
      stride: fc.integer({ min: 1, max: 3 }),
      seed: seeds,
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ amounts, own, counted, ceil, stride, seed }) => {
        const dims = [1, 2, 7, 8];
        const module = floatModel(dims, (graph, x) => {
          const pads = [0, 0, amounts[0]!, amounts[1]!, 0, 0, amounts[2]!, amounts[3]!];
          const amount = graph.getAttr('pads', int64Tensor(pads)).output;
          const padded = graph.createOp({ opType: 'Pad', inputs: [x, amount] }).output;
          const attributes = {
            kernel_shape: [3, 3],
            strides: [stride, stride],
            pads: [own, own, own, own],
            count_include_pad: counted ? 1 : 0,
            ceil_mode: ceil ? 1 : 0,
          };
          return graph.createOp({ opType: 'AveragePool', inputs: [padded], attributes }).output;
        });
        const { after, difference } = await fused(module, dims, seed);
        expect(difference).toBeLessThan(TOLERANCE);
        const fits = amounts.every((amount) => amount + own < 3) && !ceil && (counted || own === 0);
        const none = amounts.every((amount) => amount === 0);
        expect(opTypes(after)).toEqual(fits || none ? ['AveragePool'] : ['Pad', 'AveragePool']);
      }),
      { numRuns: 60 },
    );
  });

  test('split-batch-norm-over-concat: convolutions of several widths', async () => {
    const cases = fc.record({
      widths: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 4 }),
      seed: seeds,
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ widths, seed }) => {
        const dims = [1, 3, 6, 6];
        const module = floatModel(dims, (graph, x) => {
          const constants = new Constants(graph, seed);
          const inputs = widths.map((width, i) => {
            const w = constants.float(`w${i}`, [width, 3, 3, 3]);
            const b = i % 2 === 0 ? [constants.float(`b${i}`, [width])] : [];
            return graph.createOp({ opType: 'Conv', name: `conv${i}`, inputs: [x, w, ...b] }).output;
          });
          const joined = graph.createOp({ opType: 'Concat', inputs, attributes: { axis: 1 } }).output;
          const channels = widths.reduce((a, b) => a + b, 0);
          return batchNorm(graph, joined, channels, constants);
        });
        const { after, difference } = await fused(module, dims, seed);
        expect(opTypes(after)).toEqual([...widths.map(() => 'Conv'), 'Concat']);
        expect([...after.graph.ops()].slice(0, -1).map(({ name }) => name)).toEqual(
          widths.map((_, i) => `conv${i}`),
        );
        expect(difference).toBeLessThan(TOLERANCE);
      }),
      { numRuns: 20 },
    );
  });

  test('replace-batch-norm-by-depthwise-conv: 1 to 3 spatial axes', async () => {
    const cases = fc.record({
      rank: fc.integer({ min: 1, max: 3 }),
      channels: fc.integer({ min: 1, max: 5 }),
      seed: seeds,
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ rank, channels, seed }) => {
        const dims = [2, channels, ...[4, 5, 3].slice(0, rank)];
        const module = floatModel(dims, (graph, x) => {
          const relu = graph.createOp({ opType: 'Relu', inputs: [x] }).output;
          return batchNorm(graph, relu, channels, new Constants(graph, seed));
        });
        const { after, difference } = await fused(module, dims, seed);
        expect(opTypes(after)).toEqual(['Relu', 'Conv']);
        expect(difference).toBeLessThan(TOLERANCE);
      }),
      { numRuns: 20 },
    );
  });
});
