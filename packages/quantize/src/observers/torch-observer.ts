import type { Observer } from './observer.js';
import type { TorchHistogram } from './torch-histogram.js';

const QUANTILE_STEP = 1e-5;
const { fround } = Math;

/**
 * PyTorch's `HistogramObserver`, for comparisons with it: a greedy search that cuts quantiles from both ends until the L2 norm
 * of the error grows. The norm takes 256 levels for every width up to 8 bits (65 536 above), whatever the grid is. One sample
 * is one step.
 *
 * @see torch 2.13, torch/ao/quantization/observer.py, and caffe2/quantization/server/norm_minimization.cc
 */
export const torchHistogramObserver: Observer = {
  name: 'torch-histogram',
  description: "PyTorch's HistogramObserver, for comparisons",
  needs: 'torch-histogram',
  range({ torchHistogram }, { grid }) {
    return greedyRange(torchHistogram!, grid.bits <= 8 ? 256 : 65536);
  },
};

function greedyRange(histogram: TorchHistogram, levels: number): { low: number; high: number } {
  const { counts, min, max } = histogram;
  const bins = counts.length;
  const { sums, total } = cumulated(counts);
  let alpha = 0;
  let beta = 1;
  let start = 0;
  let end = bins - 1;
  let least = Number.POSITIVE_INFINITY;
  while (alpha < beta) {
    const nextAlpha = alpha + QUANTILE_STEP;
    const nextBeta = beta - QUANTILE_STEP;
    const lowest = fround(nextAlpha * total);
    const highest = fround(nextBeta * total);
    let left = start;
    let right = end;
    while (left < end && sums[left]! < lowest) left++;
    while (right > start && sums[right]! > highest) right--;
    let nextStart = start;
    let nextEnd = end;
    if (left - start > end - right) {
      nextStart = left;
      alpha = nextAlpha;
    } else {
      nextEnd = right;
      beta = nextBeta;
    }
    if (nextStart === start && nextEnd === end) continue;
    const error = errorNorm(histogram, nextStart, nextEnd, levels);
    if (error > least) break;
    least = error;
    start = nextStart;
    end = nextEnd;
  }
  const width = fround(fround(max - min) / bins);
  return { low: fround(min + fround(width * start)), high: fround(min + fround(width * (end + 1))) };
}

/** The cumulated counts in float32, summed in double precision as torch.cumsum does. */
function cumulated(counts: Float32Array): { sums: Float32Array; total: number } {
  const sums = new Float32Array(counts.length);
  let total = 0;
  for (let i = 0; i < counts.length; i++) {
    total += counts[i]!;
    sums[i] = total;
  }
  return { sums, total: fround(total) };
}

/** The L2 norm of the error when the bins from `start` to `end` are spread over so many levels; values are even in a bin. */
function errorNorm({ counts, min, max }: TorchHistogram, start: number, end: number, levels: number): number {
  const bins = counts.length;
  const exactWidth = (max - min) / bins;
  const exactLevel = (exactWidth * (end - start + 1)) / levels;
  if (exactLevel === 0) return 0;
  const width = fround(exactWidth);
  const level = fround(exactLevel);
  const half = fround(exactLevel / 2);
  const whole = thirdOfCubes(-half, half);
  let norm = 0;
  for (let bin = 0; bin < bins; bin++) {
    const density = fround(counts[bin]! / width);
    if (density === 0) continue;
    const from = fround((bin - start) * width);
    const to = fround(from + width);
    const first = levelOf(from, level, levels);
    const last = levelOf(to, level, levels);
    const firstCentre = fround(fround(first + 0.5) * level);
    const lastCentre = fround(fround(last * level) + half);
    const begin = fround(density * thirdOfCubes(fround(from - firstCentre), half));
    const middle = fround((last - first - 1) * fround(density * whole));
    const rest = fround(density * thirdOfCubes(-half, fround(to - lastCentre)));
    norm += fround(fround(begin + middle) + rest);
  }
  return norm;
}

/** The integral of x^2 from `begin` to `end`, rounded as float32 arithmetic does. */
function thirdOfCubes(begin: number, end: number): number {
  const cube = (x: number): number => fround(fround(x * x) * x);
  return fround(fround(cube(end) - cube(begin)) / 3);
}

function levelOf(x: number, level: number, levels: number): number {
  return Math.min(Math.max(Math.floor(fround(x / level)), 0), levels - 1);
}
