import { dequantizeTensor, type QParams, quantGrid, quantizeTensor, seededRandom } from '@bitwright/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type WeightScaleOptions, weightQParams } from './weight-scale.js';

const SYMMETRIC_MSE: WeightScaleOptions = { search: 'mse', symmetric: true, powerOfTwo: false };
const SYMMETRIC_MIN_MAX: WeightScaleOptions = { ...SYMMETRIC_MSE, search: 'min-max' };

function randomWeights(count: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => {
    const gauss = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return gauss * (random() < 0.05 ? 4 : 1);
  });
}

/** The summed |w - Q(w)|^2.4 of the weights with each channel's own parameters. */
function errorOf(weights: Float32Array, dims: readonly number[], qparams: QParams): number {
  const back = dequantizeTensor(quantizeTensor(weights, dims, qparams), dims, qparams);
  return weights.reduce((sum, weight, i) => sum + Math.abs(weight - back[i]!) ** 2.4, 0);
}

it('min-max gives each channel the scale of its largest weight', () => {
  const weights = Float32Array.of(1, -2, 0.5, /**/ -0.25, 0.1, 0.2);
  const grid = quantGrid(4, true);
  const found = weightQParams(weights, [2, 3], 0, grid, SYMMETRIC_MIN_MAX);
  expect([...found.scale]).toEqual([Math.fround(2 / 7.5), Math.fround(0.25 / 7.5)]);
  expect([...found.zeroPoint]).toEqual([0, 0]);
  expect(found.axis).toBe(0);
  const columns = weightQParams(weights, [2, 3], 1, grid, SYMMETRIC_MIN_MAX);
  expect([...columns.scale]).toEqual([1, 2, 0.5].map((size) => Math.fround(size / 7.5)));
});

it('has one scale and no axis per tensor', () => {
  const found = weightQParams(
    Float32Array.of(1, -2, 3),
    [3],
    undefined,
    quantGrid(8, true),
    SYMMETRIC_MIN_MAX,
  );
  expect([...found.scale]).toEqual([Math.fround(3 / 127.5)]);
  expect('axis' in found).toBe(false);
});

it('affine weights get a zero point that keeps zero exact', () => {
  const found = weightQParams(Float32Array.of(0.25, 1.5, -0.5), [3], undefined, quantGrid(4, true), {
    ...SYMMETRIC_MIN_MAX,
    symmetric: false,
  });
  expect([...found.scale]).toEqual([Math.fround(2 / 15)]);
  expect([...found.zeroPoint]).toEqual([-4]); // -8 + 0.5 / (2/15)
});

it('searching is never worse than clipping nothing, for every width', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.constantFrom(2, 3, 4, 5, 6, 7, 8),
      fc.boolean(),
      fc.boolean(),
      fc.constantFrom(undefined, 0, 1),
      (seed, bits, symmetric, powerOfTwo, axis) => {
        const dims = [3, 4, 5];
        const weights = randomWeights(60, seed);
        const grid = quantGrid(bits, true);
        const options = { symmetric, powerOfTwo };
        const found = weightQParams(weights, dims, axis, grid, { search: 'mse', ...options });
        const whole = weightQParams(weights, dims, axis, grid, { search: 'min-max', ...options });
        // the table of errors is a thousandth fine
        const slack = found.scale.reduce((sum, scale) => sum + scale ** 2.4, 0) * 60 * 5e-4;
        expect(errorOf(weights, dims, found)).toBeLessThanOrEqual(errorOf(weights, dims, whole) + slack);
        if (powerOfTwo)
          for (const scale of found.scale) expect(Number.isInteger(Math.log2(scale))).toBe(true);
        if (symmetric) expect(found.zeroPoint.every((zeroPoint) => zeroPoint === 0)).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

it('searching finds the best of all shrinks', () => {
  const grid = quantGrid(3, true);
  for (const seed of [1, 2, 3]) {
    const weights = randomWeights(200, seed);
    const largest = weights.reduce((size, weight) => Math.max(size, Math.abs(weight)), 0);
    let best = Number.POSITIVE_INFINITY;
    for (let keep = 1; keep > 0.195; keep -= 0.01) {
      const scale = Float32Array.of((largest * keep) / 3.5);
      best = Math.min(best, errorOf(weights, [200], { ...grid, scale, zeroPoint: Int32Array.of(0) }));
    }
    const found = weightQParams(weights, [200], undefined, grid, SYMMETRIC_MSE);
    expect(errorOf(weights, [200], found)).toBeLessThanOrEqual(best * 1.005);
    expect(found.scale[0]).toBeLessThan((largest / 3.5) * 0.9);
  }
});

it('keeps scales within the bounds of a backend', () => {
  const weights = randomWeights(60, 7);
  for (const [least, most] of [
    [2, 4],
    [0, 2 ** -6],
  ] as const) {
    const found = weightQParams(weights, [3, 20], 0, quantGrid(4, true), { ...SYMMETRIC_MSE, least, most });
    for (const scale of found.scale) {
      expect(scale).toBeGreaterThanOrEqual(least);
      expect(scale).toBeLessThanOrEqual(most);
    }
  }
});

it('treats channels as if they were alone', () => {
  const weights = randomWeights(60, 5);
  const all = weightQParams(weights, [3, 4, 5], 1, quantGrid(4, true), SYMMETRIC_MSE);
  for (let channel = 0; channel < 4; channel++) {
    const own = weights.filter((_, i) => Math.floor(i / 5) % 4 === channel);
    const alone = weightQParams(own, [15], undefined, quantGrid(4, true), SYMMETRIC_MSE);
    expect(all.scale[channel]).toBe(alone.scale[0]);
  }
});

it('gives a channel of zeros the scale 1', () => {
  const weights = Float32Array.of(0, -0, 0, /**/ 1, 2, 3);
  for (const symmetric of [true, false]) {
    const found = weightQParams(weights, [2, 3], 0, quantGrid(4, true), { ...SYMMETRIC_MSE, symmetric });
    expect(found.scale[0]).toBe(1);
    expect(found.zeroPoint[0]).toBe(0);
  }
});

it('never goes below the floor, and keeps every channel above it as it was', () => {
  const weights = Float32Array.of(0.001, -0.002, /**/ 1, -2, /**/ 0, 0);
  const floor = Float32Array.of(0.01, 0.01, 3);
  const grid = quantGrid(4, true);
  for (const search of ['mse', 'min-max'] as const) {
    const free = weightQParams(weights, [3, 2], 0, grid, { ...SYMMETRIC_MSE, search });
    const found = weightQParams(weights, [3, 2], 0, grid, { ...SYMMETRIC_MSE, search, floor });
    expect([...found.scale]).toEqual([Math.fround(0.01), free.scale[1], 3]);
  }
});

it('raises to a power of two where scales must be powers of two', () => {
  const weights = Float32Array.of(0.001, -0.002, /**/ 0, 0);
  const floor = Float32Array.of(0.01, 3);
  const options = { search: 'mse', symmetric: true, powerOfTwo: true, floor } as const;
  expect([...weightQParams(weights, [2, 2], 0, quantGrid(4, true), options).scale]).toEqual([2 ** -6, 4]);
});

it('does not search at 16 bits', () => {
  const weights = randomWeights(60, 9);
  const grid = quantGrid(16, true);
  expect(weightQParams(weights, [60], undefined, grid, SYMMETRIC_MSE)).toEqual(
    weightQParams(weights, [60], undefined, grid, SYMMETRIC_MIN_MAX),
  );
});

it('finds the exact scale of a channel of one weight', () => {
  for (const bits of [2, 4, 8]) {
    for (const weight of [0.37, -1.9]) {
      const values = Float32Array.of(weight);
      const options = { search: 'mse', symmetric: true, powerOfTwo: false } as const;
      const { scale, zeroPoint, quantMin, quantMax } = weightQParams(
        values,
        [1],
        0,
        quantGrid(bits, true),
        options,
      );
      const code = Math.round(weight / scale[0]!);
      expect(code).toBeGreaterThanOrEqual(quantMin);
      expect(code).toBeLessThanOrEqual(quantMax);
      expect(Math.abs(code * scale[0]! - weight)).toBeLessThan(1e-6);
      expect(zeroPoint[0]).toBe(0);
    }
  }
});
