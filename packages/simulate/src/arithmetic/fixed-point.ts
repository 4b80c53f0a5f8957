import { powerOfTwo } from './power-of-two.js';

/**
 * Multiplication of 32-bit integers by fixed-point numbers, exactly as integer hardware rounds it. Products have up to 63
 * bits, which a double does not hold: they are kept as two parts.
 */

/** A real multiplier as an integer and a shift to the right: M ~ multiplier / 2^shift. */
export interface FixedPointMultiplier {
  /** In [2^(bits-1), 2^bits) where M is not 0. */
  readonly multiplier: number;
  readonly shift: number;
}

/**
 * The nearest fixed-point multiplier: M = m * 2^e with m in [1/2, 1), multiplier = round(m * 2^bits); when that is 2^bits it
 * is halved and e grows by one (gemmlowp, TFLite `QuantizeMultiplier`).
 */
export function fixedPointMultiplier(real: number, bits: number): FixedPointMultiplier {
  // beyond 62 bits of shift every 32-bit accumulator rounds to zero
  if (real < 2 ** (bits - 62)) return { multiplier: 0, shift: bits };
  let exponent = Math.ceil(Math.log2(real));
  if (real / 2 ** exponent >= 1) exponent++;
  if (real / 2 ** exponent < 0.5) exponent--;
  let multiplier = Math.round((real / 2 ** exponent) * 2 ** bits);
  if (multiplier === 2 ** bits) {
    multiplier /= 2;
    exponent++;
  }
  return { multiplier, shift: bits - exponent };
}

const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);

/** floor((a * b + 2^(shift-1)) / 2^shift), ties up, for |a| < 2^31, 0 <= b < 2^31, any shift up to 62. */
export function multiplyRoundingUp(a: number, b: number, shift: number): number {
  if (shift <= 0) return a * b * powerOfTwo(-shift);
  if (shift < 18) return Number((BigInt(a) * BigInt(b) + (1n << BigInt(shift - 1))) >> BigInt(shift));
  // a * b = high * 2^16 + low with 0 <= low < 2^16
  const lower = a * (b & 0xffff);
  const carry = Math.floor(lower / 65536);
  const high = a * Math.floor(b / 65536) + carry;
  return Math.floor((high + powerOfTwo(shift - 17)) * powerOfTwo(16 - shift));
}

/** gemmlowp's SaturatingRoundingDoublingHighMul: trunc((a * b + (ab >= 0 ? 2^30 : 1 - 2^30)) / 2^31). */
export function doublingHighMul(a: number, b: number): number {
  const nudge = (a < 0 ? -b : b) >= 0 || a === 0 ? 2 ** 30 : 1 - 2 ** 30;
  const lower = a * (b & 0xffff) + nudge;
  const carry = Math.floor(lower / 65536);
  const rest = lower - carry * 65536;
  const high = a * Math.floor(b / 65536) + carry;
  const quotient = Math.floor(high / 32768);
  const exact = rest === 0 && quotient * 32768 === high;
  const truncated = quotient < 0 && !exact ? quotient + 1 : quotient;
  return truncated > INT32_MAX ? INT32_MAX : truncated;
}

/** gemmlowp's RoundingDivideByPOT: x / 2^exponent to the nearest, ties away from zero. */
export function divideByPowerOfTwo(x: number, exponent: number): number {
  if (exponent === 0) return x;
  const magnitude = Math.floor((Math.abs(x) + powerOfTwo(exponent - 1)) * powerOfTwo(-exponent));
  return x < 0 ? -magnitude : magnitude;
}

/**
 * The double rounding of gemmlowp and TFLite: RoundingDivideByPOT(SRDHM(x << max(e, 0), multiplier), max(-e, 0)) with
 * e = 31 - shift; a left shift beyond 32 bits saturates.
 */
export function multiplyDoubleRounding(x: number, { multiplier, shift }: FixedPointMultiplier): number {
  const right = shift - 31;
  let shifted = right < 0 ? x * powerOfTwo(-right) : x;
  if (shifted > INT32_MAX) shifted = INT32_MAX;
  else if (shifted < INT32_MIN) shifted = INT32_MIN;
  return divideByPowerOfTwo(doublingHighMul(shifted, multiplier), Math.max(right, 0));
}
