/**
 * Writes normal deviates between two places, fast and repeatable: a 16-bit index into the quantiles of the normal distribution, scaled to variance 1.
 * The largest of them lies at 4.3 standard deviations. The numbers of one (seed, stream, sample) do not depend on anything
 * that was drawn before, so that batches of any size see the same noise.
 */
export function fillGaussian(
  target: Float32Array,
  from: number,
  to: number,
  sigma: number,
  key: NoiseKey,
): void {
  const table = quantiles();
  let a = mix(key.seed ^ 0x9e3779b9);
  let b = mix(a ^ key.stream);
  let c = mix(b ^ key.sample);
  let counter = 1;
  // sfc32 (PractRand): 32 bits a step, two deviates out of each
  for (let i = from; i < to; i += 2) {
    const drawn = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + drawn) | 0;
    target[i] = sigma * table[drawn & 0xffff]!;
    if (i + 1 < to) target[i + 1] = sigma * table[drawn >>> 16]!;
  }
}

/** What a row of deviates belongs to. */
export interface NoiseKey {
  readonly seed: number;
  /** Which source of which layer. */
  readonly stream: number;
  readonly sample: number;
}

function mix(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
  return h ^ (h >>> 15);
}

const LEVELS = 65536;
let cached: Float32Array | undefined;

function quantiles(): Float32Array {
  if (cached !== undefined) return cached;
  const table = new Float32Array(LEVELS);
  let squares = 0;
  for (let i = 0; i < LEVELS; i++) {
    const z = normalQuantile((i + 0.5) / LEVELS);
    table[i] = z;
    squares += z * z;
  }
  const scale = Math.sqrt(LEVELS / squares);
  for (let i = 0; i < LEVELS; i++) table[i]! *= scale;
  cached = table;
  return table;
}

/** The number below which a standard normal variable lies with probability p (Acklam's rational approximation, relative error 1.2e-9). */
export function normalQuantile(p: number): number {
  const a = [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716,
    2.506628277459239,
  ];
  const b = [
    -54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572,
  ];
  const c = [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ];
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416];
  const polynomial = (x: number, coefficients: readonly number[]): number =>
    coefficients.reduce((sum, one) => sum * x + one, 0);
  if (p < 0.02425 || p > 1 - 0.02425) {
    const q = Math.sqrt(-2 * Math.log(Math.min(p, 1 - p)));
    const z = polynomial(q, c) / polynomial(q, [...d, 1]);
    return p < 0.5 ? z : -z;
  }
  const q = p - 0.5;
  const r = q * q;
  return (polynomial(r, a) * q) / polynomial(r, [...b, 1]);
}
