import { rangeToQParams } from '@bitwright/core';
import { ERROR_NORM, gridError } from './grid-error.js';
import type { Observer } from './observer.js';

const STEPS = 91;
const REFINEMENTS = 10;

/**
 * Chooses the range whose real grid (bits, zero point, signedness) has the smallest summed |error|^2.4, or
 * |error|^2 from 8 bits on: with so many levels the heavier norm would widen the range for a few outliers. Both ends are
 * shrunk together from 100 % to 10 %, then each end by itself around the best. "No clipping" is a candidate.
 */
export const mseObserver: Observer = {
  name: 'mse',
  description: 'smallest |error|^2.4 (from 8 bits on |error|^2) on the real grid',
  range({ histogram }, choice) {
    const min = Math.min(histogram.min, 0);
    const max = Math.max(histogram.max, 0);
    const { grid } = choice;
    if (grid.bits >= 12 || max - min === 0) return { low: min, high: max };
    const points = histogram.points((max - min) / Math.max(2 ** grid.bits * 16, 1024));
    let best = { low: min, high: max };
    const norm = grid.bits >= 8 ? 2 : ERROR_NORM;
    let bestError = Number.POSITIVE_INFINITY;
    const consider = (low: number, high: number): void => {
      const { scale, zeroPoint } = rangeToQParams(low, high, grid, choice);
      const error = gridError(points, scale, zeroPoint, grid, { norm, limit: bestError });
      if (error < bestError) {
        bestError = error;
        best = { low, high };
      }
    };
    for (let step = 0; step < STEPS; step++) consider(min * (1 - step / 100), max * (1 - step / 100));
    if (min < 0 && max > 0 && !choice.symmetric) {
      const around = best;
      for (let step = -REFINEMENTS; step <= REFINEMENTS; step++) {
        const factor = 1 + step * 0.02;
        consider(Math.max(min, around.low * factor), best.high);
      }
      const { low } = best;
      for (let step = -REFINEMENTS; step <= REFINEMENTS; step++) {
        consider(low, Math.min(max, around.high * (1 + step * 0.02)));
      }
    }
    return best;
  },
};
