import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  divideByPowerOfTwo,
  doublingHighMul,
  fixedPointMultiplier,
  multiplyDoubleRounding,
  multiplyRoundingUp,
} from './fixed-point.js';
import { saturateTo, wrapTo } from './overflow.js';

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const multiplier = fc.integer({ min: 2 ** 30, max: 2 ** 31 - 1 });

test('the doubling high product is that of gemmlowp, in whole numbers', () => {
  fc.assert(
    fc.property(int32, multiplier, (a, b) => {
      const product = BigInt(a) * BigInt(b);
      const nudge = product >= 0n ? 1n << 30n : 1n - (1n << 30n);
      expect(BigInt(doublingHighMul(a, b))).toBe((product + nudge) / (1n << 31n));
    }),
  );
  for (const a of [0, 1, -1, 3, -3, 2 ** 31 - 1, -(2 ** 31)]) {
    const product = BigInt(a) * (1n << 30n);
    expect(BigInt(doublingHighMul(a, 2 ** 30))).toBe(
      (product + (product >= 0n ? 1n << 30n : 1n - (1n << 30n))) / (1n << 31n),
    );
  }
});

test('the division by a power of two rounds ties away from zero, as the masked form of gemmlowp does', () => {
  fc.assert(
    fc.property(int32, fc.integer({ min: 0, max: 31 }), (x, exponent) => {
      const mask = (1n << BigInt(exponent)) - 1n;
      const rest = BigInt(x) & mask;
      const threshold = (mask >> 1n) + (x < 0 ? 1n : 0n);
      expect(BigInt(divideByPowerOfTwo(x, exponent))).toBe(
        (BigInt(x) >> BigInt(exponent)) + (rest > threshold ? 1n : 0n),
      );
    }),
  );
});

test('the single rounding is one shift with ties up', () => {
  fc.assert(
    fc.property(
      int32,
      fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      fc.integer({ min: 1, max: 62 }),
      (a, b, shift) => {
        const exact = (BigInt(a) * BigInt(b) + (1n << BigInt(shift - 1))) >> BigInt(shift);
        expect(
          BigInt(multiplyRoundingUp(a, b, shift)) === exact ||
            multiplyRoundingUp(a, b, shift) === Number(exact),
        ).toBe(true);
      },
    ),
  );
});

test('a multiplier is the nearest with its bits', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 2 ** -20, max: 8, noNaN: true }),
      fc.integer({ min: 8, max: 31 }),
      (real, bits) => {
        const { multiplier: m, shift } = fixedPointMultiplier(real, bits);
        expect(m).toBeGreaterThanOrEqual(2 ** (bits - 1));
        expect(m).toBeLessThan(2 ** bits);
        expect(Math.abs(m / 2 ** shift - real)).toBeLessThanOrEqual(2 ** -shift);
      },
    ),
  );
  expect(fixedPointMultiplier(0, 31).multiplier).toBe(0);
  expect(fixedPointMultiplier(1 - 2 ** -40, 8)).toEqual({ multiplier: 128, shift: 7 });
});

test('double rounding may differ from single rounding by one, which is why both exist', () => {
  const fixed = fixedPointMultiplier(0.0123456, 31);
  let differing = 0;
  for (let x = -20000; x < 20000; x++) {
    const twice = multiplyDoubleRounding(x, fixed);
    const once = multiplyRoundingUp(x, fixed.multiplier, fixed.shift);
    expect(Math.abs(twice - once)).toBeLessThanOrEqual(1);
    if (twice !== once) differing++;
  }
  expect(differing).toBeGreaterThan(0);
  expect(multiplyDoubleRounding(-3, { multiplier: 2 ** 30, shift: 31 })).toBe(-1);
  expect(multiplyDoubleRounding(5, { multiplier: 2 ** 30, shift: 29 })).toBe(10);
});

test('wrapping is that of a register, saturation holds the ends', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 2, max: 31 }), (x, bits) => {
      expect(wrapTo(x, bits)).toBe(Number(BigInt.asIntN(bits, BigInt(x))));
      expect(Math.abs(saturateTo(x, bits) - x)).toBeLessThanOrEqual(Math.abs(wrapTo(x, bits) - x));
    }),
  );
});
