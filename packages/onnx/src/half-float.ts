const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** The value of a float16 (IEEE binary16) from its bits; exact. */
export function float16ToFloat32(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** The value of a bfloat16 (the upper half of a float32) from its bits; exact. */
export function bfloat16ToFloat32(bits: number): number {
  word[0] = bits << 16;
  return float[0]!;
}
