/** A share with bounds, all from 0 to 1. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** The normal quantile of a two-sided 95 % interval. */
const Z95 = 1.959963984540054;

/**
 * The Wilson score interval of a share, 95 %: unlike the normal one it stays inside 0..1 and is right near both ends.
 *
 * Source: E. B. Wilson, JASA 22 (1927) 209-212. An empty total gives 0..1.
 */
export function wilsonInterval(correct: number, total: number): Interval {
  if (total === 0) return { low: 0, high: 1 };
  const share = correct / total;
  const z2 = Z95 * Z95;
  const scale = 1 + z2 / total;
  const centre = (share + z2 / (2 * total)) / scale;
  const half = (Z95 / scale) * Math.sqrt((share * (1 - share)) / total + z2 / (4 * total * total));
  return {
    low: correct === 0 ? 0 : Math.max(0, centre - half),
    high: correct === total ? 1 : Math.min(1, centre + half),
  };
}
