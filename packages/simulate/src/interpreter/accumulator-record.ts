import { BitwrightError } from '@bitwright/core';

/** What the accumulators of a layer have shown. */
export interface AccumulatorRecord {
  /** Extremes of what was to be held, before the width was enforced. */
  low: number;
  high: number;
  /** How many times the width was not enough. */
  overflows: number;
  /** How many times the width was enforced. */
  checks: number;
}

/** An empty record. */
export function newRecord(): AccumulatorRecord {
  return { low: 0, high: 0, overflows: 0, checks: 0 };
}

/** The error of an accumulator whose overflow must not happen. */
export function overflowError(name: string, sum: number | undefined, bits: number): BitwrightError {
  return new BitwrightError({
    code: 'SIMULATE_OVERFLOW',
    message: `The accumulator of '${name}' overflows its ${bits} bits${sum === undefined ? '' : ` with ${sum}`}.`,
    hint: 'Widen the accumulator, quantize with --accumulator-bits, or let it wrap or saturate.',
    at: { node: name },
  });
}
