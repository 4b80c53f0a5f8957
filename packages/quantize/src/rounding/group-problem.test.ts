import { expect, it } from 'vitest';
import { PLAIN_PRODUCT, randomProblem } from '../../test/rounding-problem.js';
import { groupProblem, solveFloat } from './group-problem.js';

/** How far the float solution is from the layer's own weights when the target asks for others, by the positions that were seen. */
async function moved(count: number): Promise<{ distance: number; damping: number }> {
  const { layer, statistics } = randomProblem({ rows: 4, columns: 16, bits: 4, seed: 3 });
  const target = statistics.target.map((value) => value * 1.2);
  const problem = groupProblem(layer, { ...statistics, target, count }, 0);
  const { weights, damping } = (await solveFloat(problem, PLAIN_PRODUCT))!;
  const distance = weights.reduce((sum, value, i) => sum + (value - problem.weights[i]!) ** 2, 0);
  return { distance, damping };
}

it('trusts few positions less than many, and from eight a column on all alike', async () => {
  const [two, sixteen, enough, many] = [await moved(2), await moved(16), await moved(128), await moved(1e6)];
  expect(many).toEqual(enough);
  expect(sixteen.damping / enough.damping).toBeCloseTo(8, 6);
  expect(sixteen.distance).toBeLessThan(0.99 * enough.distance);
  expect(two.distance).toBeLessThan(0.9 * sixteen.distance);
});
