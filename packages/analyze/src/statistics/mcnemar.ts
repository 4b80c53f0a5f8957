/** What a McNemar test found about two classifiers on the same samples. */
export interface McNemar {
  /** Samples that only the first one gets right. */
  readonly onlyFirst: number;
  /** Samples that only the second one gets right. */
  readonly onlySecond: number;
  /** The exact two-sided p-value: never too small, a little too large. */
  readonly exact: number;
  /** The mid-p value, which is closer to the level and hardly ever passes it. */
  readonly midP: number;
}

/**
 * McNemar's test from the samples that two classifiers disagree on: under equal accuracy each of them is a fair coin.
 *
 * Exact: twice the binomial tail up to the smaller count, at most 1. Mid-p: the same with half of the last term. Source:
 * M. W. Fagerland, S. Lydersen, P. Laake, BMC Medical Research Methodology 13:91 (2013).
 */
export function mcNemar(onlyFirst: number, onlySecond: number): McNemar {
  const trials = onlyFirst + onlySecond;
  const smaller = Math.min(onlyFirst, onlySecond);
  // the terms are summed from the largest one down, in units of it, since 2^-trials alone would underflow
  let below = 0;
  let term = 1;
  for (let k = smaller; k > 0; k--) {
    term *= k / (trials - k + 1);
    below += term;
  }
  const last = Math.exp(logChoose(trials, smaller) - trials * Math.LN2);
  return {
    onlyFirst,
    onlySecond,
    exact: Math.min(1, 2 * last * (1 + below)),
    midP: Math.min(1, 2 * last * (0.5 + below)),
  };
}

function logChoose(n: number, k: number): number {
  let sum = 0;
  for (let i = 1; i <= k; i++) sum += Math.log((n - k + i) / i);
  return sum;
}
