import { quantGrid, seededRandom } from '@bitwright/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { aciqObserver } from './aciq.js';
import { entropyObserver } from './entropy.js';
import { FloatHistogram } from './float-histogram.js';
import { minMaxObserver, movingAverageObserver } from './min-max.js';
import type { GridChoice } from './observer.js';
import { percentileObserver } from './percentile.js';
import { findObserver, OBSERVERS } from './registry.js';

const random = seededRandom(3);
const gauss = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const many = (make: (i: number) => number, length = 20000): Float32Array =>
  Float32Array.from({ length }, (_, i) => make(i));
const choiceOf = (bits: number): GridChoice => ({
  grid: quantGrid(bits, false),
  symmetric: false,
  powerOfTwo: false,
});

function statisticsOf(values: Float32Array, movingMin = 0, movingMax = 0) {
  const histogram = new FloatHistogram();
  histogram.add(values);
  return { histogram, movingMin, movingMax };
}

it('min-max clips nothing', () => {
  const values = many(gauss);
  expect(minMaxObserver.range(statisticsOf(values), choiceOf(4))).toEqual({
    low: Math.min(...values),
    high: Math.max(...values),
  });
});

it('moving average gives the averages as they are', () => {
  expect(movingAverageObserver.needs).toBe('moving-range');
  expect(movingAverageObserver.range(statisticsOf(Float32Array.of(-9, 9), -1, 2), choiceOf(4))).toEqual({
    low: -1,
    high: 2,
  });
});

it('percentile drops one in ten thousand of a one-sided tensor, at its far end', () => {
  const ramp = many((i) => i + 1, 100000);
  const positive = percentileObserver.range(statisticsOf(ramp), choiceOf(8));
  expect(positive.low).toBe(1);
  expect(Math.abs(positive.high - 99990)).toBeLessThanOrEqual(99990 / 512);
  const negative = percentileObserver.range(statisticsOf(ramp.map((x) => -x)), choiceOf(8));
  expect(negative.high).toBe(-1);
  expect(Math.abs(negative.low + 99990)).toBeLessThanOrEqual(99990 / 512);
});

it('percentile drops half a share at each end of a two-sided tensor', () => {
  const values = many((i) => (i < 6 ? (i % 2 === 0 ? 1000 : -1000) : gauss()), 40000);
  // 4 of 40000 may go, 2 at each end, and there are 3 outliers at each end
  expect(percentileObserver.range(statisticsOf(values), choiceOf(8))).toEqual({ low: -1000, high: 1000 });
  const fewer = many((i) => (i < 4 ? (i % 2 === 0 ? 1000 : -1000) : gauss()), 40000);
  const { low, high } = percentileObserver.range(statisticsOf(fewer), choiceOf(8));
  expect(high).toBeLessThan(6);
  expect(low).toBeGreaterThan(-6);
});

it('percentile keeps what it promises, and not a bin more', () => {
  const sizes = fc.array(fc.float({ min: Math.fround(0.01), max: 100, noNaN: true }), {
    minLength: 1,
    maxLength: 50,
  });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 400 }), (sample, repeats) => {
      const values = Float32Array.from({ length: sample.length * repeats + 1 }, (_, i) =>
        i === 0 ? 200 : sample[i % sample.length]!,
      );
      const { low, high } = percentileObserver.range(statisticsOf(values), choiceOf(8));
      const cut = values.length * 1e-4;
      const above = (bound: number): number => values.filter((x) => x > bound).length;
      expect(low).toBe(Math.min(...values));
      expect(above(high)).toBeLessThanOrEqual(cut * (1 + 1e-9));
      expect(above(high * (1 - 2 ** -8))).toBeGreaterThan(cut * (1 - 1e-9));
    }),
    { numRuns: 40 },
  );
});

it('entropy keeps a uniform distribution whole', () => {
  const values = many(() => random() * 2 - 1);
  for (const bits of [2, 4, 8]) {
    const { low, high } = entropyObserver.range(statisticsOf(values), choiceOf(bits));
    expect(high - low).toBeGreaterThan(1.95);
  }
});

it('entropy gives up far outliers, and more of a heavy tail at fewer bits', () => {
  const outliers = many((i) => (i < 2 ? 100 - 200 * i : gauss()));
  expect(entropyObserver.range(statisticsOf(outliers), choiceOf(8)).high).toBeLessThan(30);
  const tail = many(() => gauss() ** 3);
  const width = (bits: number): number => {
    const { low, high } = entropyObserver.range(statisticsOf(tail), choiceOf(bits));
    return high - low;
  };
  expect(width(4)).toBeLessThan(width(8) * 0.8);
  expect(width(8)).toBeLessThan(Math.max(...tail) - Math.min(...tail));
});

it('entropy is not misled by the spikes that Relu and Clip make at the ends', () => {
  const relu = many(() => Math.max(0, gauss()));
  expect(entropyObserver.range(statisticsOf(relu), choiceOf(8)).high).toBeGreaterThan(
    Math.max(...relu) * 0.7,
  );
  const relu6 = many(() => Math.min(6, Math.max(0, 2 + 4 * gauss())));
  expect(entropyObserver.range(statisticsOf(relu6), choiceOf(8))).toEqual({ low: 0, high: 6 });
});

it('entropy keeps zero inside, and takes constants and zeros as they are', () => {
  const far = many(() => 10 + gauss());
  const { low, high } = entropyObserver.range(statisticsOf(far), choiceOf(8));
  expect(low).toBe(0);
  expect(high).toBeGreaterThan(10);
  expect(entropyObserver.range(statisticsOf(Float32Array.of(3, 3)), choiceOf(4))).toEqual({
    low: 0,
    high: 3,
  });
  expect(entropyObserver.range(statisticsOf(Float32Array.of(0, 0)), choiceOf(4))).toEqual({
    low: 0,
    high: 0,
  });
  expect(entropyObserver.range(statisticsOf(far), choiceOf(16))).toEqual({ low: 0, high: Math.max(...far) });
});

it('finds observers by name, the default first', () => {
  expect(OBSERVERS[0]!.name).toBe('mse');
  for (const observer of OBSERVERS) expect(findObserver(observer.name)).toBe(observer);
  expect(new Set(OBSERVERS.map(({ name }) => name)).size).toBe(OBSERVERS.length);
});

it('names the nearest observer to one that it does not know', () => {
  expect(() => findObserver('entropi')).toThrow(
    expect.objectContaining({
      code: 'OBSERVER_UNKNOWN',
      kind: 'usage',
      hint: "Did you mean 'entropy'?",
      at: { option: '--observer' },
    }),
  );
});

it('aciq clips a normal and a Laplace distribution where the theory says, and more of them at fewer bits', () => {
  const normal = many(gauss, 40000);
  const laplace = many(() => Math.sign(random() - 0.5) * -Math.log(1 - random()), 40000);
  for (const [values, clip] of [
    [normal, 2.56],
    [laplace, 5.03],
  ] as const) {
    const { low, high } = aciqObserver.range(statisticsOf(values), choiceOf(4));
    expect(high / clip).toBeCloseTo(1, 1);
    expect(-low / clip).toBeCloseTo(1, 1);
    expect(aciqObserver.range(statisticsOf(values), choiceOf(2)).high).toBeLessThan(high);
  }
  const relu = normal.map((value) => Math.max(0, value));
  const { low, high } = aciqObserver.range(statisticsOf(relu), choiceOf(4));
  expect(low).toBe(0);
  expect(high).toBeGreaterThan(2.5);
  expect(aciqObserver.range(statisticsOf(Float32Array.of(3, 3)), choiceOf(4)).high).toBe(3);
});
