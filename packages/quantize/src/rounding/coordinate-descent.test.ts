import { quantGrid, seededRandom } from '@bitwright/core';
import { expect, it } from 'vitest';
import { gaussian, PLAIN_PRODUCT, randomProblem, squaredError } from '../../test/rounding-problem.js';
import { coordinateDescentRounding } from './coordinate-descent.js';
import { nearestCodes } from './nearest.js';

const tools = { product: PLAIN_PRODUCT };

it('loses far less than the nearest codes on correlated inputs, at any width', async () => {
  for (const bits of [2, 3, 4, 8]) {
    const { layer, statistics, spec } = randomProblem({ rows: 6, columns: 40, bits, seed: bits });
    const nearest = squaredError(layer, statistics, spec, nearestCodes(layer, spec));
    const rounded = await coordinateDescentRounding.round(layer, statistics, spec, tools);
    expect(squaredError(layer, statistics, spec, rounded)).toBeLessThan(nearest * 0.6);
    const { quantMin, quantMax } = quantGrid(bits, true);
    for (const code of rounded.codes) expect(code).toBeGreaterThanOrEqual(quantMin);
    for (const code of rounded.codes) expect(code).toBeLessThanOrEqual(quantMax);
  }
});

it('rounds every group on its own statistics', async () => {
  const one = randomProblem({ rows: 3, columns: 9, bits: 3, seed: 1 });
  const other = randomProblem({ rows: 3, columns: 9, bits: 3, seed: 2 });
  const join = (a: Float64Array, b: Float64Array): Float64Array => Float64Array.of(...a, ...b);
  const layer = { ...one.layer, groups: 2, weights: join(one.layer.weights, other.layer.weights) };
  const statistics = {
    ...one.statistics,
    gram: join(one.statistics.gram, other.statistics.gram),
    target: join(one.statistics.target, other.statistics.target),
  };
  const spec = {
    ...one.spec,
    low: Int32Array.of(...one.spec.low, ...other.spec.low),
    high: Int32Array.of(...one.spec.high, ...other.spec.high),
    scale: join(one.spec.scale, other.spec.scale),
  };
  const both = await coordinateDescentRounding.round(layer, statistics, spec, tools);
  const first = await coordinateDescentRounding.round(one.layer, one.statistics, one.spec, tools);
  const second = await coordinateDescentRounding.round(other.layer, other.statistics, other.spec, tools);
  expect([...both.codes]).toEqual([...first.codes, ...second.codes]);
  expect([...both.scale]).toEqual([...first.scale, ...second.scale]);
});

it('keeps a fixed scale, and one scale for the whole tensor one', async () => {
  const { layer, statistics, spec } = randomProblem({ rows: 4, columns: 12, bits: 4, seed: 3 });
  const fixed = await coordinateDescentRounding.round(
    layer,
    statistics,
    { ...spec, fixedScale: true },
    tools,
  );
  expect([...fixed.scale]).toEqual([...spec.scale]);
  const shared = { ...spec, scale: Float64Array.of(Math.max(...spec.scale)) };
  const rounded = await coordinateDescentRounding.round(layer, statistics, shared, tools);
  expect(rounded.scale).toHaveLength(1);
  const nearest = squaredError(layer, statistics, shared, nearestCodes(layer, shared));
  expect(squaredError(layer, statistics, shared, rounded)).toBeLessThan(nearest);
});

it('falls back on the nearest codes where the inputs were always zero', async () => {
  const { layer, statistics, spec } = randomProblem({ rows: 2, columns: 5, bits: 4, seed: 4 });
  const silent = {
    ...statistics,
    gram: statistics.gram.map(() => 0),
    target: statistics.target.map(() => 0),
  };
  const rounded = await coordinateDescentRounding.round(layer, silent, spec, tools);
  expect(rounded).toEqual(nearestCodes(layer, spec));
});

it('gives finite scales on a singular Gram matrix', async () => {
  const random = seededRandom(5);
  const { layer, spec } = randomProblem({ rows: 3, columns: 8, bits: 4, seed: 5 });
  const x = Float64Array.from({ length: 8 }, () => gaussian(random));
  const gram = Float64Array.from({ length: 64 }, (_, i) => x[Math.floor(i / 8)]! * x[i % 8]!);
  const target = Float64Array.from({ length: 24 }, (_, i) => {
    const row = Math.floor(i / 8) * 8;
    let sum = 0;
    for (let k = 0; k < 8; k++) sum += layer.weights[row + k]! * x[k]!;
    return sum * x[i % 8]!;
  });
  const zeros = new Float64Array(8);
  const statistics = { gram, target, inputMean: zeros, outputMean: zeros, outputSquare: zeros, count: 1 };
  const rounded = await coordinateDescentRounding.round(layer, statistics, spec, tools);
  for (const scale of rounded.scale) expect(scale).toBeGreaterThan(0);
  for (const scale of rounded.scale) expect(Number.isFinite(scale)).toBe(true);
});

it('works in blocks where columns are many', async () => {
  const { layer, statistics, spec } = randomProblem({ rows: 2, columns: 520, bits: 4, seed: 6 });
  const rounded = await coordinateDescentRounding.round(layer, statistics, spec, tools);
  const nearest = squaredError(layer, statistics, spec, nearestCodes(layer, spec));
  expect(squaredError(layer, statistics, spec, rounded)).toBeLessThan(nearest * 0.3);
});
