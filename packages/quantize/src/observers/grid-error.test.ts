import { dequantizeValue, quantGrid, quantizeValue } from '@bitwright/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { gridError } from './grid-error.js';

it('counts each value once where no counts are given', () => {
  const values = Float64Array.of(-0.3, 0.1, 0.26, 7);
  const counts = Float64Array.of(1, 1, 1, 1);
  const grid = quantGrid(4, true);
  expect(gridError({ values }, 0.5, 0, grid)).toBe(gridError({ values, counts }, 0.5, 0, grid));
  expect(gridError({ values: Float64Array.of(0.25) }, 0.5, 0, grid)).toBeCloseTo(0.25 ** 2.4, 12);
  expect(gridError({ values: Float64Array.of(0.25) }, 0.5, 0, grid, { norm: 2 })).toBeCloseTo(0.25 ** 2, 12);
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

it('with a limit an error up to it is exact, and a larger one only known to be larger', () => {
  const values = Float64Array.from({ length: 300 }, (_, i) => Math.sin(i) * 3);
  const grid = quantGrid(4, true);
  const whole = gridError({ values }, 0.2, 0, grid);
  expect(gridError({ values }, 0.2, 0, grid, { limit: whole })).toBe(whole);
  const cut = gridError({ values }, 0.2, 0, grid, { limit: whole / 4 });
  expect(cut).toBeGreaterThan(whole / 4);
  expect(cut).toBeLessThan(whole);
});
