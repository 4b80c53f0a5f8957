/** Mean and standard deviation of a normal variable. */
export interface NormalMoments {
  readonly mean: number;
  readonly deviation: number;
}

/**
 * Mean and standard deviation of clamp(X, low, high), X normal with mean m and deviation s.
 *
 *     a = (low - m) / s,  b = (high - m) / s,  P = Phi(b) - Phi(a)
 *     E  = low Phi(a) + m P + s (phi(a) - phi(b)) + high (1 - Phi(b))
 *     E2 = low^2 Phi(a) + (m^2 + s^2) P + s (m + low) phi(a) - s (m + high) phi(b) + high^2 (1 - Phi(b))
 *
 * Bounds may be infinite. M. Nagel et al., "Data-free quantization through weight equalization and bias correction", 2019.
 */
export function clippedNormal({ mean, deviation }: NormalMoments, low: number, high: number): NormalMoments {
  if (!(deviation > 0)) return { mean: Math.min(Math.max(mean, low), high), deviation: 0 };
  const [a, b] = [(low - mean) / deviation, (high - mean) / deviation];
  const [below, above] = [normalCdf(a), normalCdf(-b)];
  const inside = Math.max(0, 1 - below - above);
  const atBounds = (power: number): number => times(low ** power, below) + times(high ** power, above);
  const first = atBounds(1) + mean * inside + deviation * (density(a) - density(b));
  const second =
    atBounds(2) +
    (mean ** 2 + deviation ** 2) * inside +
    deviation * (times(mean + low, density(a)) - times(mean + high, density(b)));
  return { mean: first, deviation: Math.sqrt(Math.max(0, second - first ** 2)) };
}

/** An infinite bound is reached with probability and density zero. */
function times(value: number, weight: number): number {
  return weight === 0 ? 0 : value * weight;
}

function density(x: number): number {
  return Math.exp(-(x * x) / 2) / Math.sqrt(2 * Math.PI);
}

/** The distribution function of the standard normal, to about 1e-15: a series near zero, a continued fraction in the tails. */
export function normalCdf(x: number): number {
  if (x > 0) return 1 - normalCdf(-x);
  if (x < -38) return 0;
  if (x > -3) {
    let [term, sum] = [x, x];
    for (let k = 1; Math.abs(term) > 1e-17 * Math.abs(sum); k++) {
      term *= (x * x) / (2 * k + 1);
      sum += term;
    }
    return 0.5 + density(x) * sum;
  }
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / (-x + fraction);
  return density(x) / (-x + fraction);
}
