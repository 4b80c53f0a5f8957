import { seededRandom } from '@bitwright/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { clippedNormal, normalCdf } from './clipped-normal.js';

const RELU6 = [0, 6] as const;
const RELU = [0, Number.POSITIVE_INFINITY] as const;

/** Mean and deviation of clipped draws of a normal variable. */
function drawn(mean: number, deviation: number, low: number, high: number): [number, number] {
  const random = seededRandom(7);
  const count = 200_000;
  let [sum, squares] = [0, 0];
  for (let i = 0; i < count; i++) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const x = Math.min(Math.max(mean + deviation * normal, low), high);
    sum += x;
    squares += x * x;
  }
  return [sum / count, Math.sqrt(squares / count - (sum / count) ** 2)];
}

it.each([
  [0, 1, ...RELU],
  [-1.5, 1, ...RELU],
  [2, 0.7, ...RELU],
  [3, 2, ...RELU6],
  [5.5, 1.5, ...RELU6],
  [-2, 3, ...RELU6],
  [0.3, 1, -1, 1],
])('finds what draws find: mean %d, deviation %d, clipped to %d..%d', (mean, deviation, low, high) => {
  const found = clippedNormal({ mean, deviation }, low, high);
  const [first, second] = drawn(mean, deviation, low, high);
  expect(Math.abs(found.mean - first)).toBeLessThan((5 * deviation) / Math.sqrt(200_000));
  expect(Math.abs(found.deviation - second)).toBeLessThan((5 * deviation) / Math.sqrt(200_000));
});

it('stays within the bounds, and is the variable itself without any', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -50, max: 50, noNaN: true }),
      fc.double({ min: 1e-6, max: 20, noNaN: true }),
      (mean, deviation) => {
        const clipped = clippedNormal({ mean, deviation }, ...RELU6);
        expect(clipped.mean).toBeGreaterThanOrEqual(-1e-12);
        expect(clipped.mean).toBeLessThanOrEqual(6 + 1e-12);
        expect(clipped.deviation).toBeLessThanOrEqual(3 + 1e-12);
        const free = clippedNormal({ mean, deviation }, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
        expect(free.mean).toBeCloseTo(mean, 9);
        expect(free.deviation).toBeCloseTo(deviation, 4);
      },
    ),
  );
});

it('knows a channel that does not vary', () => {
  expect(clippedNormal({ mean: 7, deviation: 0 }, ...RELU6)).toEqual({ mean: 6, deviation: 0 });
});

it('has the distribution function of a table', () => {
  expect(normalCdf(0)).toBe(0.5);
  expect(normalCdf(1.959963984540054)).toBeCloseTo(0.975, 14);
  expect(normalCdf(-3.0902323061678132) / 1e-3).toBeCloseTo(1, 12);
  expect(normalCdf(-10) / 7.619853024160527e-24).toBeCloseTo(1, 12);
});
