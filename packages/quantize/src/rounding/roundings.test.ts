import { expect, it } from 'vitest';
import { PLAIN_PRODUCT, randomProblem, squaredError } from '../../test/rounding-problem.js';
import { nearestCodes } from './nearest.js';
import { findRounding, ROUNDINGS } from './registry.js';
import type { RoundingAlgorithm } from './rounding-algorithm.js';
import { squantRounding } from './squant.js';

const tools = { product: PLAIN_PRODUCT };

type Problem = ReturnType<typeof randomProblem>;

function run(algorithm: RoundingAlgorithm, { layer, statistics, spec }: Problem) {
  return algorithm.needsStatistics
    ? algorithm.round(layer, statistics, spec, tools)
    : algorithm.round(layer, undefined, spec);
}

it.each(ROUNDINGS)('$name keeps codes on the grid, and the spec as it was', async (algorithm) => {
  for (const bits of [2, 4]) {
    const problem = randomProblem({ rows: 3, columns: 12, bits, seed: bits });
    const scale = problem.spec.scale.slice();
    const { codes } = await run(algorithm, problem);
    expect(codes).toHaveLength(36);
    expect(Math.min(...codes)).toBeGreaterThanOrEqual(problem.spec.low[0]!);
    expect(Math.max(...codes)).toBeLessThanOrEqual(problem.spec.high[0]!);
    expect(problem.spec.scale).toEqual(scale);
  }
});

it.each(ROUNDINGS.filter(({ name }) => name !== 'nearest'))(
  '$name loses less than the nearest codes on correlated inputs',
  async (algorithm) => {
    for (const bits of [2, 4]) {
      let nearest = 0;
      let error = 0;
      for (const seed of [100, 101, 102]) {
        const problem = randomProblem({ rows: 8, columns: 24, bits, seed });
        const { layer, statistics, spec } = problem;
        nearest += squaredError(layer, statistics, spec, nearestCodes(layer, spec));
        error += squaredError(layer, statistics, spec, await run(algorithm, problem));
      }
      expect(error).toBeLessThan(nearest * 0.5);
    }
  },
);

it('squant brings the error of each output within half a code, and those of kernels too', async () => {
  const { layer, spec } = randomProblem({ rows: 5, columns: 36, bits: 8, seed: 20 });
  const { codes, scale } = await squantRounding.round({ ...layer, taps: 9 }, undefined, spec);
  const error = (row: number, first: number, end: number): number => {
    let sum = 0;
    for (let k = first; k < end; k++)
      sum += codes[row * 36 + k]! - layer.weights[row * 36 + k]! / scale[row]!;
    return Math.abs(sum);
  };
  for (let row = 0; row < 5; row++) {
    expect(error(row, 0, 36)).toBeLessThanOrEqual(0.5 + 1e-9);
    for (let first = 0; first < 36; first += 9) expect(error(row, first, first + 9)).toBeLessThanOrEqual(1.5);
  }
});

it('finds algorithms by name, those of plugins too, and says which is nearest', () => {
  for (const algorithm of ROUNDINGS) expect(findRounding(algorithm.name)).toBe(algorithm);
  const mine = { ...squantRounding, name: 'mine' };
  expect(findRounding('mine', [mine])).toBe(mine);
  expect(() => findRounding('gptk')).toThrow(
    expect.objectContaining({ code: 'ROUNDING_UNKNOWN', kind: 'usage', hint: "Did you mean 'gptq'?" }),
  );
});
