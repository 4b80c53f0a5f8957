const LEAST = -128;
const POWERS = Float64Array.from({ length: 257 }, (_, i) => 2 ** (LEAST + i));

/** 2^exponent for whole exponents from -128 to 128, looked up: `**` costs as much as ten multiplications. */
export function powerOfTwo(exponent: number): number {
  return POWERS[exponent - LEAST]!;
}
