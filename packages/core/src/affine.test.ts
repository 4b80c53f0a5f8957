import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  clamp,
  dequantizeValue,
  MIN_SCALE,
  powerOfTwoAtLeast,
  type QuantGrid,
  quantGrid,
  quantizeValue,
  rangeToQParams,
  roundHalfEven,
} from './affine.js';

const WIDTHS = [2, 3, 4, 5, 6, 7, 8, 16];

/** Ties to even from the definition: the nearer neighbour, and of two equally near ones the even one. */
function nearestEven(x: number): number {
  const size = Math.abs(x);
  const below = Math.floor(size);
  const rest = size - below;
  const rounded = rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
  return x < 0 ? -rounded : rounded;
}

const float = (size: number) =>
  fc.float({ min: Math.fround(-size), max: Math.fround(size), noNaN: true, noDefaultInfinity: true });
const grids: fc.Arbitrary<QuantGrid> = fc
  .record({ bits: fc.constantFrom(...WIDTHS), signed: fc.boolean(), narrow: fc.boolean() })
  .map(({ bits, signed, narrow }) => quantGrid(bits, signed, narrow && signed));
const choices = fc.record({ symmetric: fc.boolean(), powerOfTwo: fc.boolean() });
const ranges = fc
  .tuple(float(1e37), float(1e37))
  .map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }));

it.each([
  [0.5, 0],
  [1.5, 2],
  [2.5, 2],
  [-0.5, 0],
  [-1.5, -2],
  [-2.5, -2],
  [0.49999999999999994, 0],
  [-0.49999999999999994, 0],
  [2 ** 50 + 0.5, 2 ** 50],
  [2 ** 50 + 1.5, 2 ** 50 + 2],
  [-(2 ** 50) - 1.5, -(2 ** 50) - 2],
  [2 ** 60, 2 ** 60],
  [-3.4e38, -3.4e38],
])('rounds %d to %d', (x, expected) => {
  expect(roundHalfEven(x) + 0).toBe(expected);
});

it('rounds as the definition says, at ties and elsewhere', () => {
  const anywhere = fc.double({
    min: -(2 ** 51),
    max: 2 ** 51,
    noNaN: true,
    maxExcluded: true,
    minExcluded: true,
  });
  const ties = fc.integer({ min: -(2 ** 49), max: 2 ** 49 }).map((n) => n + 0.5);
  fc.assert(
    fc.property(fc.oneof(anywhere, ties), (x) => {
      expect(roundHalfEven(x) + 0).toBe(nearestEven(x) + 0);
    }),
    { numRuns: 1000 },
  );
});

it('rounding keeps infinities and NaN', () => {
  expect(roundHalfEven(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  expect(roundHalfEven(Number.NEGATIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
  expect(roundHalfEven(Number.NaN)).toBeNaN();
});

it.each([
  [2, true, false, -2, 1],
  [4, true, false, -8, 7],
  [4, true, true, -7, 7],
  [4, false, false, 0, 15],
  [8, true, false, -128, 127],
  [8, true, true, -127, 127],
  [8, false, false, 0, 255],
  [16, false, false, 0, 65535],
  [32, true, false, -2147483648, 2147483647],
])('the grid of %d bits, signed %s, narrow %s is %d..%d', (bits, signed, narrow, quantMin, quantMax) => {
  expect(quantGrid(bits, signed, narrow)).toEqual({ bits, signed, quantMin, quantMax });
});

it('makes affine parameters by the formula', () => {
  const { scale, zeroPoint } = rangeToQParams(-1, 3, quantGrid(8, false), { symmetric: false });
  expect(scale).toBe(Math.fround(4 / 255));
  expect(zeroPoint).toBe(64); // 1 / (4 / 255) = 63.75
  expect(rangeToQParams(-1, 3, quantGrid(4, true), { symmetric: false })).toEqual({
    scale: Math.fround(4 / 15),
    zeroPoint: -4, // -8 + 3.75
  });
});

it('widens a one-sided affine range to zero', () => {
  const grid = quantGrid(4, false);
  expect(rangeToQParams(2, 3, grid, { symmetric: false })).toEqual({
    scale: Math.fround(3 / 15),
    zeroPoint: 0,
  });
  expect(rangeToQParams(-3, -2, grid, { symmetric: false })).toEqual({
    scale: Math.fround(3 / 15),
    zeroPoint: 15,
  });
});

it('makes symmetric parameters by the formula', () => {
  const symmetric = { symmetric: true };
  expect(rangeToQParams(-1, 3, quantGrid(4, true), symmetric)).toEqual({
    scale: Math.fround(3 / 7.5),
    zeroPoint: 0,
  });
  expect(rangeToQParams(-5, 3, quantGrid(4, true, true), symmetric)).toEqual({
    scale: Math.fround(5 / 7),
    zeroPoint: 0,
  });
  expect(rangeToQParams(-1, 3, quantGrid(8, false), symmetric)).toEqual({
    scale: Math.fround(3 / 127.5),
    zeroPoint: 128,
  });
});

it('never makes a scale below the float32 epsilon', () => {
  for (const symmetric of [true, false]) {
    const grid = quantGrid(8, true);
    expect(rangeToQParams(0, 0, grid, { symmetric }).scale).toBe(MIN_SCALE);
    expect(rangeToQParams(-1e-30, 1e-30, grid, { symmetric }).scale).toBe(MIN_SCALE);
    expect(rangeToQParams(0, 1e-30, grid, { symmetric, powerOfTwo: true }).scale).toBe(MIN_SCALE);
  }
  expect(MIN_SCALE).toBe(2 ** -23);
});

it('represents zero exactly for every range, width and choice', () => {
  fc.assert(
    fc.property(ranges, grids, choices, ({ min, max }, grid, choice) => {
      const { scale, zeroPoint } = rangeToQParams(min, max, grid, choice);
      expect(Number.isInteger(zeroPoint)).toBe(true);
      expect(zeroPoint).toBeGreaterThanOrEqual(grid.quantMin);
      expect(zeroPoint).toBeLessThanOrEqual(grid.quantMax);
      expect(quantizeValue(0, scale, zeroPoint, grid)).toBe(zeroPoint);
      expect(dequantizeValue(zeroPoint, scale, zeroPoint)).toBe(0);
    }),
    { numRuns: 1000 },
  );
});

it('is wrong by at most half a step anywhere in the range', () => {
  fc.assert(
    fc.property(
      ranges,
      grids,
      choices,
      fc.double({ min: 0, max: 1, noNaN: true }),
      ({ min, max }, grid, choice, t) => {
        const { scale, zeroPoint } = rangeToQParams(min, max, grid, choice);
        const x = Math.fround(Math.min(min, 0) + t * (Math.max(max, 0) - Math.min(min, 0)));
        const back = dequantizeValue(quantizeValue(x, scale, zeroPoint, grid), scale, zeroPoint);
        // 16 bits: the scale's own rounding to float32 moves the last code by up to 2^16 * 2^-24 of a step
        expect(Math.abs(back - x)).toBeLessThanOrEqual(scale * 0.51);
      },
    ),
    { numRuns: 1000 },
  );
});

it('divides in float32, rounds half to even, then adds the zero point and clamps', () => {
  fc.assert(
    fc.property(ranges, grids, choices, float(1e37), ({ min, max }, grid, choice, x) => {
      const { scale, zeroPoint } = rangeToQParams(min, max, grid, choice);
      const code = nearestEven(Math.fround(x / scale)) + zeroPoint;
      const expected = code < grid.quantMin ? grid.quantMin : code > grid.quantMax ? grid.quantMax : code;
      expect(quantizeValue(x, scale, zeroPoint, grid) + 0).toBe(expected + 0);
    }),
    { numRuns: 1000 },
  );
  const grid = quantGrid(8, true);
  expect([0.5, 1.5, 2.5, -0.5, -1.5].map((x) => quantizeValue(x, 1, 1, grid))).toEqual([1, 3, 3, 1, -1]);
});

it('rounds the quotient to float32 before it rounds to an integer', () => {
  // the quotient lies beside 2.5 in doubles and is a tie in float32
  const scale = Math.fround(1 / 3);
  const x = Math.fround(2.5 * scale);
  expect(x / scale).not.toBe(2.5);
  expect(Math.fround(x / scale)).toBe(2.5);
  expect(quantizeValue(x, scale, 0, quantGrid(8, true))).toBe(2);
});

it('sends infinities to the ends of the grid', () => {
  const grid = quantGrid(4, true);
  expect(quantizeValue(Number.POSITIVE_INFINITY, 0.1, 2, grid)).toBe(7);
  expect(quantizeValue(Number.NEGATIVE_INFINITY, 0.1, 2, grid)).toBe(-8);
});

it('is monotone', () => {
  fc.assert(
    fc.property(ranges, grids, choices, float(1e37), float(1e37), ({ min, max }, grid, choice, a, b) => {
      const { scale, zeroPoint } = rangeToQParams(min, max, grid, choice);
      const low = quantizeValue(Math.min(a, b), scale, zeroPoint, grid);
      expect(low).toBeLessThanOrEqual(quantizeValue(Math.max(a, b), scale, zeroPoint, grid));
    }),
  );
});

it('finds the smallest power of two that is not below x', () => {
  const sizes = fc.double({ min: 2 ** -23, max: 2 ** 100, noNaN: true });
  const nearPowers = fc
    .tuple(fc.integer({ min: -22, max: 100 }), fc.constantFrom(-1, 0, 1))
    .map(([exponent, step]) => 2 ** exponent * (1 + step * 2 ** -40));
  fc.assert(
    fc.property(fc.oneof(sizes, nearPowers), (x) => {
      const power = powerOfTwoAtLeast(x);
      expect(Number.isInteger(Math.log2(power))).toBe(true);
      expect(power).toBeGreaterThanOrEqual(x);
      expect(power / 2).toBeLessThan(x);
    }),
    { numRuns: 1000 },
  );
  expect(powerOfTwoAtLeast(0)).toBe(MIN_SCALE);
});

it('restricts scales to powers of two that do not clip', () => {
  fc.assert(
    fc.property(ranges, grids, fc.boolean(), ({ min, max }, grid, symmetric) => {
      const free = rangeToQParams(min, max, grid, { symmetric }).scale;
      const { scale } = rangeToQParams(min, max, grid, { symmetric, powerOfTwo: true });
      expect(Number.isInteger(Math.log2(scale))).toBe(true);
      expect(scale).toBeGreaterThanOrEqual(free * (1 - 2 ** -23));
      expect(scale).toBeLessThanOrEqual(free * 2);
    }),
  );
});

it('clamps', () => {
  expect([-2, -1, 0, 1, 2].map((x) => clamp(x, -1, 1))).toEqual([-1, -1, 0, 1, 1]);
});
