import { type QuantGrid, roundHalfEven } from '@bitwright/core';
import type { WeightedPoints } from './float-histogram.js';

/** The norm of the error that scales are searched with: |error|^2.4, as GPTQ and BRECQ use for their grids. */
export const ERROR_NORM = 2.4;

const TABLE_SIZE = 1024;
// |t|^2.4 for t = 0..0.5, the rounding error in units of the scale
const roundingError = Float64Array.from(
  { length: TABLE_SIZE + 1 },
  (_, i) => (i / TABLE_SIZE / 2) ** ERROR_NORM,
);

/** |x|^2.4; by table where |x| <= 0.5. */
export function normedError(t: number): number {
  const size = Math.abs(t);
  return size <= 0.5 ? roundingError[(size * (2 * TABLE_SIZE) + 0.5) | 0]! : size ** ERROR_NORM;
}

/** The summed |x - Q(x)|^2.4 of weighted points on the real grid: rounding inside of it, clipping outside. */
export function gridError(points: WeightedPoints, scale: number, zeroPoint: number, grid: QuantGrid): number {
  const low = grid.quantMin - zeroPoint;
  const high = grid.quantMax - zeroPoint;
  const { values, counts } = points;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const t = values[i]! / scale;
    const rounded = t < low ? low : t > high ? high : roundHalfEven(t);
    sum += counts[i]! * normedError(t - rounded);
  }
  return sum * scale ** ERROR_NORM;
}
