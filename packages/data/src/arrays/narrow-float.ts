import { roundHalfEven } from '@bitwright/core';

/** The layout of a float of 16 bits: bits of its exponent and of its stored mantissa. */
export interface NarrowFloatFormat {
  readonly exponentBits: number;
  readonly mantissaBits: number;
}

/** IEEE 754 binary16. */
export const FLOAT16: NarrowFloatFormat = { exponentBits: 5, mantissaBits: 10 };

/** The upper half of a binary32. */
export const BFLOAT16: NarrowFloatFormat = { exponentBits: 8, mantissaBits: 7 };

/** The bits of a number in a 16-bit float, rounded once, half to even; too large a number becomes an infinity. */
export function encodeNarrowFloat(value: number, format: NarrowFloatFormat): number {
  const { exponentBits, mantissaBits } = format;
  const infinity = ((1 << exponentBits) - 1) << mantissaBits;
  if (Number.isNaN(value)) return infinity | (1 << (mantissaBits - 1));
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size === 0) return sign;
  if (size === Number.POSITIVE_INFINITY) return sign | infinity;
  const bias = (1 << (exponentBits - 1)) - 1;
  const exponent = Math.max(exponentOf(size), 1 - bias);
  // A subnormal has no hidden bit, and a mantissa that rounds up to the next power carries into the exponent by itself.
  const steps = roundHalfEven(size * 2 ** (mantissaBits - exponent));
  const bits = ((exponent + bias - 1) << mantissaBits) + steps;
  return sign | Math.min(bits, infinity);
}

/** The number that the bits of a 16-bit float stand for. */
export function decodeNarrowFloat(bits: number, format: NarrowFloatFormat): number {
  const { exponentBits, mantissaBits } = format;
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> mantissaBits) & ((1 << exponentBits) - 1);
  const mantissa = bits & ((1 << mantissaBits) - 1);
  const bias = (1 << (exponentBits - 1)) - 1;
  if (exponent === (1 << exponentBits) - 1)
    return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * mantissa * 2 ** (1 - bias - mantissaBits);
  return sign * (mantissa + (1 << mantissaBits)) * 2 ** (exponent - bias - mantissaBits);
}

function exponentOf(size: number): number {
  let exponent = Math.floor(Math.log2(size));
  if (2 ** exponent > size) exponent--;
  else if (2 ** (exponent + 1) <= size) exponent++;
  return exponent;
}
