import {
  dequantizeValue,
  type QuantGrid,
  quantGrid,
  quantizeValue,
  rangeToQParams,
  seededRandom,
} from '@bitwright/core';
import { expect, it } from 'vitest';
import { FloatHistogram } from './float-histogram.js';
import { mseObserver } from './mse.js';
import type { GridChoice } from './observer.js';

const WIDTHS = [2, 3, 4, 5, 6, 7, 8];
const COUNT = 1000;
const random = seededRandom(7);
const gauss = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

const distributions: Readonly<Record<string, Float32Array>> = {
  uniform: Float32Array.from({ length: COUNT }, () => random() * 2 - 1),
  gauss: Float32Array.from({ length: COUNT }, gauss),
  'gauss after Relu': Float32Array.from({ length: COUNT }, () => Math.max(0, gauss())),
  'heavy tail': Float32Array.from({ length: COUNT }, () => gauss() ** 3),
  'far from zero': Float32Array.from({ length: COUNT }, () => 5 + gauss()),
  'negative only': Float32Array.from({ length: COUNT }, () => -Math.abs(gauss())),
  'one outlier': Float32Array.from({ length: COUNT }, (_, i) => (i === 0 ? 50 : gauss())),
  'spike at one end': Float32Array.from({ length: COUNT }, () => Math.min(1, gauss() * 2)),
};
const cases = Object.entries(distributions);

function statisticsOf(values: Float32Array) {
  const histogram = new FloatHistogram();
  histogram.add(values);
  return { histogram, movingMin: 0, movingMax: 0 };
}

/** The summed |x - Q(x)|^2.4, from 8 bits on |x - Q(x)|^2, of the samples themselves. */
function errorOn(values: Float32Array, low: number, high: number, choice: GridChoice): number {
  const { scale, zeroPoint } = rangeToQParams(low, high, choice.grid, choice);
  let sum = 0;
  for (const x of values) {
    const back = dequantizeValue(quantizeValue(x, scale, zeroPoint, choice.grid), scale, zeroPoint);
    sum += Math.abs(x - back) ** (choice.grid.bits >= 8 ? 2 : 2.4);
  }
  return sum;
}

const ends = (values: Float32Array): [number, number] => [Math.min(0, ...values), Math.max(0, ...values)];
const affine = (grid: QuantGrid): GridChoice => ({ grid, symmetric: false, powerOfTwo: false });
const symmetric = (grid: QuantGrid): GridChoice => ({ grid, symmetric: true, powerOfTwo: false });

/** The smallest error of all common shrinks of both ends, tried on the samples themselves. */
function bestTogether(values: Float32Array, choice: GridChoice): number {
  const [min, max] = ends(values);
  let best = Number.POSITIVE_INFINITY;
  for (let keep = 1; keep > 0.095; keep -= 0.01)
    best = Math.min(best, errorOn(values, min * keep, max * keep, choice));
  return best;
}

it.each(cases)('is never worse than min-max on the samples themselves: %s', (_, values) => {
  const [min, max] = ends(values);
  const signed = [2, 4, 8].map((bits) => symmetric(quantGrid(bits, true)));
  for (const choice of [...WIDTHS.map((bits) => affine(quantGrid(bits, false))), ...signed]) {
    const { low, high } = mseObserver.range(statisticsOf(values), choice);
    expect(low).toBeGreaterThanOrEqual(min);
    expect(low).toBeLessThanOrEqual(0);
    expect(high).toBeGreaterThanOrEqual(0);
    expect(high).toBeLessThanOrEqual(max);
    // the histogram knows a value to 1/512 of it, so that the best of two near equals may be missed
    expect(errorOn(values, low, high, choice)).toBeLessThanOrEqual(errorOn(values, min, max, choice) * 1.01);
  }
});

it.each(cases)('is as good as trying every common shrink on the samples themselves: %s', (_, values) => {
  for (const choice of [
    affine(quantGrid(2, false)),
    affine(quantGrid(4, false)),
    symmetric(quantGrid(6, true)),
  ]) {
    const { low, high } = mseObserver.range(statisticsOf(values), choice);
    expect(errorOn(values, low, high, choice)).toBeLessThanOrEqual(bestTogether(values, choice) * 1.03);
  }
});

it('clips tails the more the fewer levels there are', () => {
  const values = distributions['heavy tail']!;
  const width = (bits: number): number => {
    const { low, high } = mseObserver.range(statisticsOf(values), affine(quantGrid(bits, false)));
    return high - low;
  };
  const [min, max] = ends(values);
  expect(width(2)).toBeLessThan(width(4) * 0.9);
  expect(width(4)).toBeLessThan(width(8) * 0.95);
  expect(width(8)).toBeGreaterThan((max - min) * 0.8);
});

it('keeps nearly all of a uniform distribution', () => {
  const values = distributions['uniform']!;
  for (const bits of [3, 4, 6, 8]) {
    const { low, high } = mseObserver.range(statisticsOf(values), affine(quantGrid(bits, false)));
    expect(high - low).toBeGreaterThan(1.8);
  }
});

it('gives up an outlier', () => {
  const { high } = mseObserver.range(
    statisticsOf(distributions['one outlier']!),
    affine(quantGrid(4, false)),
  );
  expect(high).toBeLessThan(45);
});

it('moves each end by itself where that is better than both together', () => {
  const choice = affine(quantGrid(3, false));
  let apart = 0;
  let together = 0;
  for (let draw = 0; draw < 8; draw++) {
    const values = Float32Array.from({ length: 500 }, () => 1 + gauss());
    const { low, high } = mseObserver.range(statisticsOf(values), choice);
    apart += errorOn(values, low, high, choice);
    together += bestTogether(values, choice);
  }
  expect(apart).toBeLessThan(together * 0.97);
});

it('judges by the scale that a power of two makes of the range', () => {
  const values = distributions['gauss']!;
  const choice: GridChoice = { grid: quantGrid(4, true), symmetric: true, powerOfTwo: true };
  const { low, high } = mseObserver.range(statisticsOf(values), choice);
  const errors = [-3, -2, -1, 0, 1].map((exponent) => {
    const size = 2 ** exponent * 7.5;
    return errorOn(values, -size, size, choice);
  });
  expect(errorOn(values, low, high, choice)).toBeLessThanOrEqual(Math.min(...errors) * 1.001);
});

it('does not search at 16 bits', () => {
  const values = distributions['heavy tail']!;
  const [min, max] = ends(values);
  expect(mseObserver.range(statisticsOf(values), affine(quantGrid(16, false)))).toEqual({
    low: min,
    high: max,
  });
});

it('takes a constant as it is', () => {
  const choice = affine(quantGrid(8, false));
  const statistics = statisticsOf(new Float32Array(10).fill(3));
  const { low, high } = mseObserver.range(statistics, choice);
  const { scale, zeroPoint } = rangeToQParams(low, high, choice.grid, choice);
  expect(dequantizeValue(quantizeValue(3, scale, zeroPoint, choice.grid), scale, zeroPoint)).toBeCloseTo(
    3,
    2,
  );
});
