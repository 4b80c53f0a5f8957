import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inDoubles, roundInDoubles } from './double-rounding.js';
import {
  type FixedPoint,
  floatOfThresholds,
  makeRequantizer,
  type Requantizer,
  requantize,
  type Thresholds,
} from './requantizer.js';

const clamped = (code: number, { low, high }: Requantizer, shift: number): number =>
  Math.min(Math.max(code, low + shift), high + shift);

/** Multipliers and codes as layers have them, and some that no layer would. */
const requantizers = fc
  .record({
    multiplier: fc.array(fc.double({ min: 2 ** -24, max: 4, noNaN: true }), { minLength: 1, maxLength: 3 }),
    bits: fc.integer({ min: 8, max: 31 }),
    rounding: fc.constantFrom('single' as const, 'double' as const),
    low: fc.integer({ min: -128, max: 0 }),
    codes: fc.integer({ min: 1, max: 255 }),
    zero: fc.double({ min: 0, max: 1, noNaN: true }),
    shift: fc.constantFrom(0, 128),
  })
  .map(({ multiplier, bits, rounding, low, codes, zero, shift }) => ({
    shift,
    by: makeRequantizer(
      {
        multiplier: Float32Array.from(multiplier),
        low,
        high: low + codes,
        zeroPoint: low + Math.round(zero * codes),
      },
      { kind: 'fixed-point', rounding, ...(rounding === 'single' && { bits }) },
    ) as FixedPoint,
  }));

test('doubles give the codes of the fixed-point multipliers for every accumulator', () => {
  let found = 0;
  fc.assert(
    fc.property(
      requantizers,
      fc.array(fc.double({ min: -1.2, max: 1.2, noNaN: true })),
      ({ by, shift }, places) => {
        const way = inDoubles(by, shift);
        if (way === undefined) return;
        found++;
        const reach = (by.high - by.low) / Math.min(...way.factor);
        const near = Array.from({ length: 64 }, (_, i) => Math.round((i - 32 + 0.5) / way.factor[0]!));
        const all = [
          ...places.map((place) => Math.round(place * reach)),
          ...near,
          -(2 ** 31),
          2 ** 31 - 1,
          0,
        ];
        for (const one of all) {
          const x = Math.min(Math.max(one, -(2 ** 31)), 2 ** 31 - 1);
          for (let offset = -1; offset <= 1; offset++) {
            const at = Math.min(Math.max(x + offset, -(2 ** 31)), 2 ** 31 - 1);
            for (const channel of by.multiplier.keys())
              expect(clamped(roundInDoubles(at, channel, way), by, shift)).toBe(
                requantize(at, channel, by) + shift,
              );
          }
        }
      },
    ),
    { numRuns: 300 },
  );
  expect(found).toBeGreaterThan(250);
});

test('doubles need the sign only where codes lie on both sides of the zero point', () => {
  const by = (low: number, high: number): FixedPoint =>
    makeRequantizer(
      { multiplier: Float32Array.of(0.0123), low, high, zeroPoint: 0 },
      { kind: 'fixed-point', rounding: 'double' },
    ) as FixedPoint;
  expect(inDoubles(by(0, 255))!.bend).toBeUndefined();
  expect(inDoubles(by(-255, 0))!.bend).toBeUndefined();
  expect(inDoubles(by(-128, 127))!.bend).toBeDefined();
});

test('thresholds are said as floats where they step at the same accumulators', () => {
  const exact = makeRequantizer(
    { multiplier: Float32Array.of(0.0123, 0.5), low: -8, high: 7, zeroPoint: 0 },
    { kind: 'thresholds' },
  ) as Thresholds;
  expect(floatOfThresholds(exact)!.multiplier).toEqual(exact.multiplier);
  for (const [at, to] of [
    [3, exact.thresholds[3]! + 1],
    [29, exact.thresholds[29]! - 1],
    [29, 2 ** 31],
  ] as const)
    expect(floatOfThresholds({ ...exact, thresholds: exact.thresholds.with(at, to) })).toBeUndefined();
});

test('too many codes are refused', () => {
  const wide = makeRequantizer(
    { multiplier: Float32Array.of(0.5), low: -(2 ** 15), high: 2 ** 15 - 1, zeroPoint: 0 },
    { kind: 'fixed-point', rounding: 'single' },
  ) as FixedPoint;
  expect(inDoubles(wide)).toBeUndefined();
});

test('where the accumulators are few, each is looked at', () => {
  const by: FixedPoint = {
    kind: 'fixed-point',
    rounding: 'double',
    multiplier: Int32Array.of(1_234_567_891),
    shift: Int32Array.of(32),
    low: -(2 ** 31),
    high: 2 ** 31 - 1,
    zeroPoint: 0,
  };
  const values = Float64Array.from({ length: 256 }, (_, i) => (i - 100) * 2 ** 20);
  const way = inDoubles(by, 0, values)!;
  for (const x of values) expect(roundInDoubles(x, 0, way)).toBe(requantize(x, 0, by));
  expect(inDoubles(by, 0, Float64Array.of(2 ** 30 + 1))).toBeDefined();
});
