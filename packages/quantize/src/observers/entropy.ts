import type { WeightedPoints } from './float-histogram.js';
import type { Observer } from './observer.js';

const BINS = 4096;
const STEPS = 91;

/**
 * Chooses the clip that loses the least information: the smallest Kullback-Leibler divergence between the clipped
 * distribution and the same after it was put on the grid's levels (S. Migacz, "8-bit inference with TensorRT", 2017), with
 * as many levels as the width has.
 */
export const entropyObserver: Observer = {
  name: 'entropy',
  description: 'smallest KL divergence to the clipped distribution',
  range({ histogram }, { grid }) {
    const min = Math.min(histogram.min, 0);
    const max = Math.max(histogram.max, 0);
    const levels = grid.quantMax - grid.quantMin + 1;
    if (levels >= BINS || max - min === 0) return { low: min, high: max };
    const width = (max - min) / BINS;
    const counts = histogramOf(histogram.points(width), min, width);
    let best = { low: min, high: max };
    let bestDivergence = Number.POSITIVE_INFINITY;
    for (let step = 0; step < STEPS; step++) {
      const keep = 1 - step / 100;
      const first = Math.floor((min * keep - min) / width);
      const end = Math.min(BINS, Math.max(first + 1, Math.ceil((max * keep - min) / width)));
      const divergence = divergenceOnLevels(counts, first, end, levels);
      if (divergence < bestDivergence) {
        bestDivergence = divergence;
        best = { low: min * keep, high: max * keep };
      }
    }
    return best;
  },
};

/** Counts in even bins. Zeros are left out: they are exact on every grid, and their spike would drown the rest. */
function histogramOf({ values, counts }: WeightedPoints, min: number, width: number): Float64Array {
  const bins = new Float64Array(BINS);
  for (let i = 0; i < values.length; i++) {
    if (values[i] === 0) continue;
    bins[Math.min(BINS - 1, Math.max(0, Math.floor((values[i]! - min) / width)))]! += counts[i]!;
  }
  return bins;
}

/** KL(P || Q) over the bins that are kept: P has the clipped mass at its ends, Q spreads each level's mass evenly over its filled bins. */
function divergenceOnLevels(counts: Float64Array, first: number, end: number, levels: number): number {
  const clipped = counts.slice(first, end);
  let total = 0;
  let inside = 0;
  for (let i = 0; i < BINS; i++) {
    total += counts[i]!;
    if (i < first) clipped[0]! += counts[i]!;
    else if (i >= end) clipped[clipped.length - 1]! += counts[i]!;
    else inside += counts[i]!;
  }
  const perLevel = Math.max(1, clipped.length / levels);
  let divergence = 0;
  for (let level = 0; level * perLevel < clipped.length; level++) {
    const from = Math.round(level * perLevel);
    const to = Math.min(clipped.length, Math.round((level + 1) * perLevel));
    let mass = 0;
    let filled = 0;
    for (let i = from; i < to; i++) {
      mass += counts[first + i]!;
      if (clipped[i]! > 0) filled++;
    }
    for (let i = from; i < to; i++) {
      const p = clipped[i]! / total;
      if (p > 0) divergence += p * Math.log(p / Math.max(mass / filled / inside, 1e-12));
    }
  }
  return divergence;
}
