import { type QuantGrid, roundHalfEven } from '@bitwright/core';

/** The norm that scales are searched with, |error|^2.4, as GPTQ and BRECQ use for their grids. */
export const ERROR_NORM = 2.4;

const TABLE_SIZE = 1024;

/** |t|^norm for t = 0..0.5, the rounding error in units of the scale. */
function roundingErrors(norm: number): Float64Array {
  return Float64Array.from({ length: TABLE_SIZE + 1 }, (_, i) => (i / TABLE_SIZE / 2) ** norm);
}

const TABLES = { 2: roundingErrors(2), 2.4: roundingErrors(ERROR_NORM) } as const;

/** Values and how often each stands; without counts each stands once. */
export interface CountedValues {
  readonly values: Float64Array;
  readonly counts?: Float64Array;
}

/** How an error is measured, and from where on it need not be known. */
export interface ErrorMeasure {
  readonly norm?: keyof typeof TABLES;
  /** A larger error may be given as any number above this. */
  readonly limit?: number;
}

// so many values between two looks at the limit
const STRETCH = 64;

/** The summed |x - Q(x)|^norm of values on the real grid: rounding inside of it (by table), clipping outside. */
export function gridError(
  { values, counts }: CountedValues,
  scale: number,
  zeroPoint: number,
  grid: QuantGrid,
  { norm = ERROR_NORM, limit = Number.POSITIVE_INFINITY }: ErrorMeasure = {},
): number {
  const table = TABLES[norm];
  const low = grid.quantMin - zeroPoint;
  const high = grid.quantMax - zeroPoint;
  const unit = scale ** norm;
  let sum = 0;
  for (let start = 0; start < values.length && sum * unit <= limit; start += STRETCH) {
    const end = Math.min(start + STRETCH, values.length);
    for (let i = start; i < end; i++) {
      const t = values[i]! / scale;
      const rounded = t < low ? low : t > high ? high : roundHalfEven(t);
      const size = Math.abs(t - rounded);
      const error = size <= 0.5 ? table[(size * (2 * TABLE_SIZE) + 0.5) | 0]! : size ** norm;
      sum += counts === undefined ? error : counts[i]! * error;
    }
  }
  return sum * unit;
}
