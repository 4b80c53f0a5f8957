import {
  channelLayout,
  MIN_SCALE,
  powerOfTwoAtLeast,
  type QParams,
  type QuantGrid,
  rangeToQParams,
} from '@bitwright/core';
import { gridError } from '../observers/grid-error.js';

const STEPS = 81;

/** How weight scales are chosen. */
export interface WeightScaleOptions {
  /** `mse` searches the smallest |error|^2.4 on the real grid, `min-max` clips nothing. */
  readonly search: 'mse' | 'min-max';
  readonly symmetric: boolean;
  readonly powerOfTwo: boolean;
  /** Smallest scale allowed for each channel, e.g. so that a bias fits into 32 bits. */
  readonly floor?: Float32Array;
  /** The smallest and largest scale that the backend takes. */
  readonly least?: number;
  readonly most?: number;
}

/**
 * Scales and zero points of a weight tensor, one for each index of `axis` or one for all.
 *
 * The search shrinks the range of each channel from 100 % to 20 % and keeps the smallest summed |error|^2.4.
 */
export function weightQParams(
  weights: Float32Array,
  dims: readonly number[],
  axis: number | undefined,
  grid: QuantGrid,
  options: WeightScaleOptions,
): QParams {
  const { outer, channels, inner } = channelLayout(dims, axis);
  const scale = new Float32Array(channels);
  const zeroPoint = new Int32Array(channels);
  const row = new Float64Array(outer * inner);
  for (let channel = 0; channel < channels; channel++) {
    for (let o = 0; o < outer; o++) {
      const start = (o * channels + channel) * inner;
      row.set(weights.subarray(start, start + inner), o * inner);
    }
    const floor = Math.max(options.floor?.[channel] ?? 0, options.least ?? 0);
    const best = searchChannel(row, grid, options, floor);
    scale[channel] = best.scale;
    zeroPoint[channel] = best.zeroPoint;
  }
  return { ...grid, scale, zeroPoint, ...(axis !== undefined && { axis }) };
}

function searchChannel(
  row: Float64Array,
  grid: QuantGrid,
  options: WeightScaleOptions,
  floor: number,
): { scale: number; zeroPoint: number } {
  let min = 0;
  let max = 0;
  for (const value of row) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  // a channel of zeros: any scale is exact, 1 keeps the bias well scaled
  if (min === 0 && max === 0) return { ...withBounds({ scale: 1, zeroPoint: 0 }, floor, options) };
  const whole = withBounds(rangeToQParams(min, max, grid, options), floor, options);
  if (options.search === 'min-max' || grid.bits >= 12) return whole;
  let best = whole;
  let bestError = gridError({ values: row }, whole.scale, whole.zeroPoint, grid);
  const consider = (found: { scale: number; zeroPoint: number }): void => {
    const candidate = withBounds(found, floor, options);
    const error = gridError({ values: row }, candidate.scale, candidate.zeroPoint, grid, {
      limit: bestError,
    });
    if (error < bestError) {
      bestError = error;
      best = candidate;
    }
  };
  for (let step = 1; step < STEPS; step++) {
    const keep = 1 - step / 100;
    consider(rangeToQParams(min * keep, max * keep, grid, options));
  }
  if (options.symmetric && !options.powerOfTwo) consider(tightScale(min, max, grid));
  return best;
}

/**
 * The scale that puts the outermost weight on the outermost code. The range's own scale lies between the two ends of a
 * signed grid, which has one code more below zero, and so misses the largest weight by half a step; that is all there is
 * to lose in a channel of one weight.
 */
function tightScale(min: number, max: number, grid: QuantGrid): { scale: number; zeroPoint: number } {
  const ends = [max / grid.quantMax, ...(grid.quantMin < 0 ? [min / grid.quantMin] : [])];
  return { scale: Math.max(Math.fround(Math.max(...ends)), MIN_SCALE), zeroPoint: 0 };
}

function withBounds(
  found: { scale: number; zeroPoint: number },
  floor: number,
  { powerOfTwo, most = Number.POSITIVE_INFINITY }: WeightScaleOptions,
): { scale: number; zeroPoint: number } {
  // what makes a bias fit is stronger than an upper bound: a bias out of range would be wrong altogether
  const scale = Math.max(Math.min(found.scale, most), floor);
  if (scale === found.scale) return found;
  return { ...found, scale: Math.fround(powerOfTwo && scale === floor ? powerOfTwoAtLeast(floor) : scale) };
}
