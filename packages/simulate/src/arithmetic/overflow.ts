import { powerOfTwo } from './power-of-two.js';

/** x as a signed register of `bits` bits holds it after wrapping round: ((x + 2^(P-1)) mod 2^P) - 2^(P-1). Exact for |x| < 2^52. */
export function wrapTo(x: number, bits: number): number {
  const half = powerOfTwo(bits - 1);
  const span = half * 2;
  if (x >= -half && x < half) return x;
  return x - Math.floor((x + half) / span) * span;
}

/** x held within a signed register of `bits` bits. */
export function saturateTo(x: number, bits: number): number {
  const half = powerOfTwo(bits - 1);
  return x < -half ? -half : x >= half ? half - 1 : x;
}
