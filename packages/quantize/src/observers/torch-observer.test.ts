import { floatTensor, quantGrid, seededRandom } from '@bitwright/core';
import { describe, expect, it } from 'vitest';
import { GrowingStatistics } from '../growing-statistics.js';
import { TorchHistogram } from './torch-histogram.js';
import { torchHistogramObserver } from './torch-observer.js';

const choice = { grid: quantGrid(8, false), symmetric: false, powerOfTwo: false };
const total = (histogram: TorchHistogram): number => histogram.counts.reduce((sum, count) => sum + count, 0);

function rangeOf(samples: readonly Float32Array[]): { low: number; high: number } {
  const statistics = new GrowingStatistics();
  for (const sample of samples) statistics.add(floatTensor(sample), 1, 'torch-histogram');
  return torchHistogramObserver.range(statistics, choice);
}

// parity with PyTorch itself is proven in test/oracles/test_torch_observers.py
describe("PyTorch's histogram", () => {
  it('counts in 2048 even bins, the last one with its upper end', () => {
    const histogram = new TorchHistogram();
    histogram.add(Float32Array.of(0, 1, 2047, 2048, 1024.5));
    expect(histogram.counts).toHaveLength(2048);
    expect([0, 1, 2047, 1024].map((bin) => histogram.counts[bin])).toEqual([1, 1, 2, 1]);
  });

  it('keeps every count when the range grows', () => {
    const histogram = new TorchHistogram();
    histogram.add(Float32Array.from({ length: 4096 }, (_, i) => i / 4096));
    histogram.add(Float32Array.of(-3, 7));
    expect(histogram.min).toBe(-3);
    expect(histogram.max).toBe(7);
    expect(total(histogram)).toBeCloseTo(4098, 3);
    // 0..1 lies in the bins from 3/10 to 4/10 of the new range
    const inside = histogram.counts.subarray(614, 820).reduce((sum, count) => sum + count, 0);
    expect(inside).toBeCloseTo(4096, 3);
  });

  it('spreads what had one value over no other bin', () => {
    const histogram = new TorchHistogram();
    histogram.add(new Float32Array(100).fill(0.5));
    histogram.add(Float32Array.of(0, 1));
    expect(histogram.counts[1024]).toBe(100);
    expect(total(histogram)).toBe(102);
  });

  it('merges with that of another tensor', () => {
    const histogram = new TorchHistogram();
    const other = new TorchHistogram();
    histogram.merge(other);
    other.add(Float32Array.of(0, 0.5, 1));
    histogram.merge(other);
    expect(histogram.counts).toEqual(other.counts);
    other.add(Float32Array.of(2));
    histogram.merge(other);
    expect([histogram.min, histogram.max, total(histogram), total(other)]).toEqual([0, 2, 7, 4]);
  });

  it('leaves out what is not finite', () => {
    const histogram = new TorchHistogram();
    histogram.add(Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY));
    histogram.add(Float32Array.of(1, Number.NEGATIVE_INFINITY, 2));
    expect([histogram.min, histogram.max, total(histogram)]).toEqual([1, 2, 2]);
  });
});

describe("PyTorch's search", () => {
  it('keeps an even distribution, and the outlier whose loss would cost more than coarser steps', () => {
    const random = seededRandom(3);
    const even = Float32Array.from({ length: 20_000 }, () => random() * 2);
    expect(rangeOf([even]).high).toBeGreaterThan(1.98);
    const outlier = even.slice();
    outlier[0] = 200;
    expect(rangeOf([outlier]).high).toBeGreaterThan(199);
  });

  it('cuts a far value off where steps for it cost more than its loss', () => {
    const random = seededRandom(3);
    const many = Float32Array.from({ length: 1_500_000 }, () => random() * 2);
    many[0] = 20;
    expect(rangeOf([many]).high).toBeLessThan(10);
  });

  it('keeps the value of a constant', () => {
    expect(rangeOf([new Float32Array(10).fill(1.5)])).toEqual({ low: 1.5, high: 1.5 });
  });
});
