import { type QuantGrid, roundHalfEven } from '@bitwright/core';

/** The norm of the error that scales are searched with: |error|^2.4, as GPTQ and BRECQ use for their grids. */
export const ERROR_NORM = 2.4;

const TABLE_SIZE = 1024;
// |t|^2.4 for t = 0..0.5, the rounding error in units of the scale
const roundingError = Float64Array.from(
  { length: TABLE_SIZE + 1 },
  (_, i) => (i / TABLE_SIZE / 2) ** ERROR_NORM,
);

/** Values and how often each stands; without counts each stands once. */
export interface CountedValues {
  readonly values: Float64Array;
  readonly counts?: Float64Array;
}

/** The summed |x - Q(x)|^2.4 of values on the real grid: rounding inside of it (by table), clipping outside. */
export function gridError(
  { values, counts }: CountedValues,
  scale: number,
  zeroPoint: number,
  grid: QuantGrid,
): number {
  const low = grid.quantMin - zeroPoint;
  const high = grid.quantMax - zeroPoint;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const t = values[i]! / scale;
    const rounded = t < low ? low : t > high ? high : roundHalfEven(t);
    const size = Math.abs(t - rounded);
    const error = size <= 0.5 ? roundingError[(size * (2 * TABLE_SIZE) + 0.5) | 0]! : size ** ERROR_NORM;
    sum += counts === undefined ? error : counts[i]! * error;
  }
  return sum * scale ** ERROR_NORM;
}
