import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seeds, underAllRules } from './property.js';
import { Constants, floatModel, opTypes } from './support.js';

/** Sums of some hundred float32 products, whose weights were rounded once more. */
const SUMS = 4e-6;
/** One more rounding of single elements. */
const POINTWISE = 5e-7;

const arithmetic = fc.constantFrom('Add', 'Mul', 'Sub', 'Div');

describe('fold-affine-into-next-conv', () => {
  const cases = fc.record({
    rank: fc.integer({ min: 1, max: 3 }),
    group: fc.integer({ min: 1, max: 2 }),
    inputs: fc.integer({ min: 1, max: 3 }),
    outputs: fc.integer({ min: 1, max: 3 }),
    kernel: fc.integer({ min: 1, max: 3 }),
    pad: fc.integer({ min: 0, max: 1 }),
    bias: fc.boolean(),
    map: fc.oneof(arithmetic, fc.constant('BatchNormalization')),
    first: fc.boolean(),
    scalar: fc.boolean(),
    seed: seeds,
  });

  test('exact for any shape; where the Conv pads, only a factor goes in', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (c) => {
        const channels = c.group * c.inputs;
        const dims = [2, channels, ...[7, 6, 5].slice(0, c.rank)];
        const module = floatModel(dims, (graph, x) => {
          const constants = new Constants(graph, c.seed);
          const relu = graph.createOp({ opType: 'Relu', inputs: [x] }).output;
          const shape = c.scalar ? [] : [channels, ...new Array<number>(c.rank).fill(1)];
          const operands =
            c.map === 'BatchNormalization'
              ? [relu, ...constants.batchNorm(channels)]
              : [relu, constants.float('c', shape, 0.5, 2)];
          if (c.map === 'Sub' && c.first) operands.reverse();
          const mapped = graph.createOp({ opType: c.map, name: 'map', inputs: operands }).output;
          const kernel = new Array<number>(c.rank).fill(c.kernel);
          const w = constants.float('w', [c.group * c.outputs, c.inputs, ...kernel]);
          const b = c.bias ? [constants.float('b', [c.group * c.outputs])] : [];
          const attributes = { group: c.group, pads: new Array(2 * c.rank).fill(c.pad) };
          return graph.createOp({ opType: 'Conv', name: 'conv', inputs: [mapped, w, ...b], attributes })
            .output;
        });
        const { after, report, difference } = await underAllRules(module, dims, c.seed);
        expect(difference).toBeLessThan(SUMS);
        const isFactor = c.map === 'Mul' || c.map === 'Div';
        if (c.pad === 0 || isFactor) expect(opTypes(after)).toEqual(['Relu', 'Conv']);
        else if (c.map === 'BatchNormalization') expect(opTypes(after)).toEqual(['Relu', 'Conv', 'Conv']);
        else expect(report.rejected.map(({ code }) => code)).toContain('RULE_PADDED_SHIFT');
      }),
      { numRuns: 80 },
    );
  });

  test('needs to know that the constant does not make the channels', async () => {
    const dims = [1, 1, 4, 4];
    const module = floatModel(dims, (graph, x) => {
      const constants = new Constants(graph, 1);
      const wide = graph.createOp({ opType: 'Mul', inputs: [x, constants.float('c', [3, 1, 1])] }).output;
      return graph.createOp({ opType: 'Conv', inputs: [wide, constants.float('w', [2, 3, 1, 1])] }).output;
    });
    const { after, report, difference } = await underAllRules(module, dims, 1);
    expect(difference).toBe(0);
    expect(opTypes(after)).toEqual(['Mul', 'Conv']);
    expect(report.rejected.map(({ code }) => code)).toEqual(['RULE_CHANNELS']);
  });
});

test('fold-affine-into-next-gemm: both layouts, alpha, beta, all shapes of bias', async () => {
  const cases = fc.record({
    map: arithmetic,
    first: fc.boolean(),
    scalar: fc.boolean(),
    transB: fc.boolean(),
    alpha: fc.constantFrom(1, 0.5),
    beta: fc.constantFrom(1, -2),
    bias: fc.constantFrom(undefined, [], [1], [5], [1, 5]),
    seed: seeds,
  });
  await fc.assert(
    fc.asyncProperty(cases, async (c) => {
      const dims = [3, 4];
      const module = floatModel(dims, (graph, x) => {
        const constants = new Constants(graph, c.seed);
        const relu = graph.createOp({ opType: 'Relu', inputs: [x] }).output;
        const operands = [relu, constants.float('c', c.scalar ? [1] : [4], 0.5, 2)];
        if (c.map === 'Sub' && c.first) operands.reverse();
        const mapped = graph.createOp({ opType: c.map, inputs: operands }).output;
        const w = constants.float('w', c.transB ? [5, 4] : [4, 5]);
        const attributes = {
          transB: c.transB ? 1 : 0,
          alpha: { type: 'float', value: c.alpha },
          beta: { type: 'float', value: c.beta },
        } as const;
        const b = c.bias ? [constants.float('b', c.bias)] : [];
        return graph.createOp({ opType: 'Gemm', name: 'fc', inputs: [mapped, w, ...b], attributes }).output;
      });
      const { after, difference } = await underAllRules(module, dims, c.seed);
      expect(difference).toBeLessThan(SUMS);
      expect(opTypes(after)).toEqual(['Relu', 'Gemm']);
    }),
    { numRuns: 60 },
  );
});

test('merge-constants: sums with sums, products with products, whatever they broadcast to', async () => {
  const shapes = fc.constantFrom([], [1], [4], [3, 1], [2, 1, 1], [2, 3, 4], [1, 1, 1, 1]);
  const cases = fc.record({
    ops: fc.array(arithmetic, { minLength: 2, maxLength: 4 }),
    shapes: fc.array(shapes, { minLength: 4, maxLength: 4 }),
    seed: seeds,
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ ops, shapes: dims, seed }) => {
      const module = floatModel([2, 3, 4], (graph, x) => {
        const constants = new Constants(graph, seed);
        let y = graph.createOp({ opType: 'Relu', inputs: [x] }).output;
        for (const [i, opType] of ops.entries())
          y = graph.createOp({ opType, inputs: [y, constants.float(`c${i}`, dims[i]!, 0.5, 2)] }).output;
        return y;
      });
      const { after, difference } = await underAllRules(module, [2, 3, 4], seed);
      expect(difference).toBeLessThan(POINTWISE * ops.length);
      const kinds = ops.map((opType) => (opType === 'Add' || opType === 'Sub' ? 'sum' : 'product'));
      const runs = kinds.filter((kind, i) => kind !== kinds[i - 1]).length;
      expect(opTypes(after)).toHaveLength(1 + runs);
    }),
    { numRuns: 50 },
  );
});

test('drop-neutral-arithmetic: only where nothing is broadcast', async () => {
  const cases = fc.record({
    opType: arithmetic,
    dims: fc.constantFrom([], [1], [4], [1, 4], [3, 1], [1, 1, 1], [2, 3, 4], [2, 2, 3, 4]),
    seed: seeds,
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ opType, dims, seed }) => {
      const neutral = opType === 'Add' || opType === 'Sub' ? 0 : 1;
      const module = floatModel([2, 3, 4], (graph, x) => {
        const relu = graph.createOp({ opType: 'Relu', inputs: [x] }).output;
        const c = new Constants(graph, seed).float('c', dims, neutral, neutral);
        return graph.createOp({
          opType: 'Exp',
          inputs: [graph.createOp({ opType, inputs: [relu, c] }).output],
        }).output;
      });
      const { after, report, difference } = await underAllRules(module, [2, 3, 4], seed);
      expect(difference).toBe(0);
      if (dims.length === 4) expect(report.rejected.map(({ code }) => code)).toContain('RULE_BROADCAST');
      else expect(opTypes(after)).toEqual(['Relu', 'Exp']);
    }),
    { numRuns: 30 },
  );
});
