import { dequantizeValue, quantGrid, quantizeValue } from '@bitwright/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { gridError, normedError } from './grid-error.js';

it('is |x|^2.4, by table or not', () => {
  fc.assert(
    fc.property(fc.double({ min: -20, max: 20, noNaN: true }), (t) => {
      expect(Math.abs(normedError(t) - Math.abs(t) ** 2.4)).toBeLessThan(2e-3 * Math.max(0.2, Math.abs(t)));
      expect(normedError(-t)).toBe(normedError(t));
    }),
  );
  expect(normedError(0)).toBe(0);
  expect(normedError(0.5)).toBe(0.5 ** 2.4);
});

it('sums rounding inside of the grid and clipping outside, weighted', () => {
  const point = fc.tuple(fc.double({ min: -10, max: 10, noNaN: true }), fc.integer({ min: 1, max: 50 }));
  fc.assert(
    fc.property(
      fc.array(point, { minLength: 1, maxLength: 20 }),
      fc.constantFrom(2, 4, 8),
      fc.constantFrom(0.05, 0.3, 1),
      (points, bits, scale) => {
        const grid = quantGrid(bits, false);
        const zeroPoint = 2 ** (bits - 1);
        const step = Math.fround(scale);
        let expected = 0;
        let weight = 0;
        for (const [raw, count] of points) {
          const x = Math.fround(raw);
          const back = dequantizeValue(quantizeValue(x, step, zeroPoint, grid), step, zeroPoint);
          expected += count * Math.abs(x - back) ** 2.4;
          weight += count;
        }
        const found = gridError(
          {
            values: Float64Array.from(points, ([x]) => Math.fround(x)),
            counts: Float64Array.from(points, ([, count]) => count),
          },
          step,
          zeroPoint,
          grid,
        );
        // half an entry of the error table, for each point
        expect(Math.abs(found - expected)).toBeLessThanOrEqual(weight * step ** 2.4 * 5e-4 + expected * 1e-4);
      },
    ),
  );
});
