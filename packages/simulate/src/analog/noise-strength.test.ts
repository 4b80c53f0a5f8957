import { expect, test } from 'vitest';
import { pluginNoise, strengthOf, sumSigma } from './noise-strength.js';

const scales = { weights: 128, inputs: 255, sum: 1000, adcBits: 8 };

test('each way to state noise of the sum gives the deviation that its definition says', () => {
  expect(sumSigma({ place: 'sum', kind: 'full-scale', sigma: 0.01 }, scales)).toBeCloseTo(10, 10);
  expect(sumSigma({ place: 'sum', kind: 'snr', decibels: 20 }, scales)).toBeCloseTo(
    1000 / Math.SQRT2 / 10,
    8,
  );
  // a converter of N bits has the noise lsb / sqrt 12, which is N effective bits
  const lsb = 2000 / 2 ** 6;
  expect(sumSigma({ place: 'sum', kind: 'enob', bits: 6 }, scales) / (lsb / Math.sqrt(12))).toBeCloseTo(1, 2);
});

test('leakage is the share of values that land in another level', () => {
  const sigma = sumSigma({ place: 'sum', kind: 'leakage', probability: 0.3173105, bits: 8 }, scales);
  // 31.73 % of a normal distribution lies beyond one deviation, so half a level is one deviation
  expect(sigma).toBeCloseTo(1000 / 128 / 2, 4);
});

test('variances of independent sources add', () => {
  const noises = [
    { place: 'weights', kind: 'additive', sigma: 0.03 },
    { place: 'weights', kind: 'additive', sigma: 0.04 },
    { place: 'weights', kind: 'proportional', sigma: 0.1 },
  ] as const;
  const strength = strengthOf(noises, 100, ({ place }) => place === 'weights');
  expect(strength.additive).toBeCloseTo(5, 10);
  expect(strength.proportional).toBeCloseTo(0.1, 10);
});

test('an unknown source of a plugin is answered with the nearest', () => {
  const source = { name: 'shot-noise', fill: (): void => undefined };
  const noise = { place: 'sum', kind: 'plugin', source: 'shotnoise' } as const;
  expect(() => pluginNoise([noise], scales, [source])).toThrow(
    expect.objectContaining({ code: 'NOISE_SOURCE_UNKNOWN', hint: "Did you mean 'shot-noise'?" }),
  );
  expect(pluginNoise([{ ...noise, source: 'shot-noise' }], scales, [source])[0]!.fullScale).toBe(1000);
});
