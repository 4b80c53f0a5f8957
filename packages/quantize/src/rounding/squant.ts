import { clamp, roundHalfEven } from '@bitwright/core';
import type { DataFreeRounding } from './rounding-algorithm.js';
import { ScaleLayout } from './scale-layout.js';

/**
 * Rounding without data: first to the nearest codes, then as few of them are moved by one as bring the sum of the rounding
 * errors of each kernel, and then of each output, within half a code (C. Guo et al., "SQuant", 2022). Errors that cancel in
 * a sum shift no mean.
 */
export const squantRounding: DataFreeRounding = {
  name: 'squant',
  description: 'nearest codes, moved so that errors cancel in each kernel and output; needs no data',
  needsStatistics: false,
  round(layer, _statistics, spec) {
    const { columns, taps, weights } = layer;
    const layout = new ScaleLayout(layer, spec);
    const codes = new Int32Array(weights.length);
    const steps = new Float64Array(columns);
    for (let row = 0; row < layer.groups * layer.rows; row++) {
      layout.fillRow(steps, row, spec.scale);
      const at = row * columns;
      const wanted = Float64Array.from({ length: columns }, (_, k) => weights[at + k]! / steps[k]!);
      const own = codes.subarray(at, at + columns);
      roundRow(wanted, own, taps, spec.low[row]!, spec.high[row]!);
    }
    return Promise.resolve({ codes, scale: spec.scale.slice() });
  },
};

function roundRow(wanted: Float64Array, codes: Int32Array, taps: number, low: number, high: number): void {
  for (let k = 0; k < codes.length; k++) codes[k] = clamp(roundHalfEven(wanted[k]!), low, high);
  const moved = new Set<number>();
  for (let first = 0; first < codes.length; first += taps)
    cancel(wanted, codes, range(first, Math.min(codes.length, first + taps)), moved, low, high);
  const candidates: number[] = [];
  const sum = range(0, codes.length).reduce((total, k) => total + codes[k]! - wanted[k]!, 0);
  for (let first = 0; first < codes.length; first += taps) {
    const [best] = movable(
      wanted,
      codes,
      range(first, Math.min(codes.length, first + taps)),
      moved,
      sum,
      low,
      high,
    );
    if (best !== undefined) candidates.push(best);
  }
  move(codes, sorted(wanted, codes, candidates), sum);
}

/** Moves as many codes of a kernel as its summed error is whole. */
function cancel(
  wanted: Float64Array,
  codes: Int32Array,
  kernel: readonly number[],
  moved: Set<number>,
  low: number,
  high: number,
): void {
  const sum = kernel.reduce((total, k) => total + codes[k]! - wanted[k]!, 0);
  for (const k of move(codes, movable(wanted, codes, kernel, moved, sum, low, high), sum)) moved.add(k);
}

/** Those that were rounded the wrong way for the sum and may still move, largest error first. */
function movable(
  wanted: Float64Array,
  codes: Int32Array,
  among: readonly number[],
  moved: ReadonlySet<number>,
  sum: number,
  low: number,
  high: number,
): number[] {
  const fits = among.filter((k) => {
    if (moved.has(k)) return false;
    return sum > 0 ? codes[k]! > wanted[k]! && codes[k]! > low : codes[k]! < wanted[k]! && codes[k]! < high;
  });
  return sorted(wanted, codes, fits);
}

function sorted(wanted: Float64Array, codes: Int32Array, among: readonly number[]): number[] {
  const error = (k: number): number => Math.abs(codes[k]! - wanted[k]!);
  return among.toSorted((a, b) => error(b) - error(a) || a - b);
}

function move(codes: Int32Array, ranked: readonly number[], sum: number): readonly number[] {
  const chosen = ranked.slice(0, Math.round(Math.abs(sum)));
  for (const k of chosen) codes[k]! -= Math.sign(sum);
  return chosen;
}

function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i);
}
