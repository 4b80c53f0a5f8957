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
    const { values, counts } = histogram.points((max - min) / BINS);
    let best = { low: min, high: max };
    let bestDivergence = Number.POSITIVE_INFINITY;
    for (let step = 0; step < STEPS; step++) {
      const keep = 1 - step / 100;
      const clipped = clipInto(values, counts, min * keep, max * keep);
      const divergence = divergenceOnLevels(clipped, levels);
      if (divergence < bestDivergence) {
        bestDivergence = divergence;
        best = { low: min * keep, high: max * keep };
      }
    }
    return best;
  },
};

function clipInto(
  values: Float64Array,
  counts: Float64Array,
  low: number,
  high: number,
): { inside: Float64Array; clipped: Float64Array } {
  const inside = new Float64Array(BINS);
  const clipped = new Float64Array(BINS);
  const perBin = (high - low) / BINS;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    // zero is on every grid: the spike that a Relu makes there loses nothing, and would outweigh all else
    if (value === 0) continue;
    const at = Math.min(BINS - 1, Math.max(0, Math.floor((value - low) / perBin)));
    if (value >= low && value <= high) inside[at]! += counts[i]!;
    clipped[at]! += counts[i]!;
  }
  return { inside, clipped };
}

/** KL(P || Q): P is the clipped distribution, Q spreads each level's inside mass evenly over its bins that hold something. */
function divergenceOnLevels(
  { inside, clipped }: { inside: Float64Array; clipped: Float64Array },
  levels: number,
): number {
  let totalP = 0;
  let totalQ = 0;
  for (let i = 0; i < BINS; i++) {
    totalP += clipped[i]!;
    totalQ += inside[i]!;
  }
  let divergence = 0;
  for (let level = 0; level < levels; level++) {
    const first = Math.round((level * BINS) / levels);
    const end = Math.round(((level + 1) * BINS) / levels);
    let mass = 0;
    let filled = 0;
    for (let i = first; i < end; i++) {
      mass += inside[i]!;
      if (clipped[i]! > 0) filled++;
    }
    for (let i = first; i < end; i++) {
      const p = clipped[i]! / totalP;
      if (p === 0) continue;
      const q = Math.max(mass / filled / totalQ, 1e-12);
      divergence += p * Math.log(p / q);
    }
  }
  return divergence;
}
