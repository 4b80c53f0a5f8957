import { signedBits } from '@bitwright/core';
import type { AverageStep, DotStep, Grid } from './integer-network.js';

/** The least and largest sum that any input can make, over all outputs and all orders of summing. */
export interface Bound {
  readonly low: number;
  readonly high: number;
  readonly bits: number;
}

/** The zero point of one output's weights. */
export function weightZeroPointOf(step: DotStep, output: number): number {
  return step.weightZeroPoint[step.weightZeroPoint.length === 1 ? 0 : output]!;
}

/**
 * The sums that any input whatever can make in one output: every product takes the input code that is worst for it. Partial
 * sums stay within as well, since every extreme product has the sign of its side (zero is on each grid).
 */
export function outputBound(step: DotStep, output: number): { low: number; high: number } {
  const raw = step.hardware.accumulator.sum === 'raw';
  const zero = raw ? 0 : step.inputGrid.zeroPoint;
  const least = Math.min(step.inputGrid.min - zero, 0);
  const most = Math.max(step.inputGrid.max - zero, 0);
  const centre = raw ? 0 : weightZeroPointOf(step, output);
  let low = 0;
  let high = 0;
  for (let k = output * step.depth; k < (output + 1) * step.depth; k++) {
    const weight = step.weights[k]! - centre;
    if (weight > 0) {
      high += weight * most;
      low += weight * least;
    } else {
      high += weight * least;
      low += weight * most;
    }
  }
  return { low, high };
}

/** The worst case over all outputs of a dot product; the bias is counted where the accumulator holds it. */
export function dotBound(step: DotStep): Bound {
  const inside = step.hardware.accumulator.bias === 'inside';
  let low = 0;
  let high = 0;
  for (let output = 0; output < step.outputs; output++) {
    const bound = outputBound(step, output);
    const bias = inside ? (step.bias?.aligned[output] ?? 0) : 0;
    low = Math.min(low, bound.low + Math.min(bias, 0));
    high = Math.max(high, bound.high + Math.max(bias, 0));
  }
  return { low, high, bits: signedBits(low, high) };
}

/** The worst case of a sum of `count` centred codes. */
export function averageBound(step: AverageStep): Bound {
  return rangeBound(step.inputGrid, step.count);
}

/** The worst case of a sum of `count` centred codes of a grid. */
export function rangeBound(grid: Grid, count: number): Bound {
  const low = (grid.min - grid.zeroPoint) * count;
  const high = (grid.max - grid.zeroPoint) * count;
  return { low, high, bits: signedBits(Math.min(low, 0), Math.max(high, 0)) };
}
