import { expect, test } from 'vitest';
import { fillGaussian, normalQuantile } from './gaussian.js';

test('deviates have mean 0, variance 1 and the tails of a normal distribution', () => {
  const count = 400_000;
  const drawn = new Float32Array(count);
  fillGaussian(drawn, 0, count, 1, { seed: 7, stream: 3, sample: 0 });
  let sum = 0;
  let squares = 0;
  let beyond = 0;
  for (const x of drawn) {
    sum += x;
    squares += x * x;
    if (Math.abs(x) > 1.96) beyond++;
  }
  expect(Math.abs(sum / count)).toBeLessThan(0.008);
  expect(Math.abs(squares / count - 1)).toBeLessThan(0.012);
  expect(Math.abs(beyond / count - 0.05)).toBeLessThan(0.002);
});

test('seeds, streams and samples are independent of each other, and each repeats', () => {
  const draw = (seed: number, stream: number, sample: number): Float32Array => {
    const drawn = new Float32Array(20_000);
    fillGaussian(drawn, 0, drawn.length, 1, { seed, stream, sample });
    return drawn;
  };
  const first = draw(1, 2, 3);
  expect(draw(1, 2, 3)).toEqual(first);
  for (const other of [draw(2, 2, 3), draw(1, 3, 3), draw(1, 2, 4)]) {
    let product = 0;
    for (let i = 0; i < first.length; i++) product += first[i]! * other[i]!;
    expect(Math.abs(product / first.length)).toBeLessThan(0.03);
  }
});

test('noise is written between two places', () => {
  const target = new Float32Array(6).fill(10);
  fillGaussian(target, 2, 4, 0.001, { seed: 1, stream: 0, sample: 0 });
  expect([target[0], target[1], target[4], target[5]]).toEqual([10, 10, 10, 10]);
  for (const x of [target[2]!, target[3]!]) expect(Math.abs(x)).toBeLessThan(0.01);
});

test('quantiles of the normal distribution', () => {
  expect(normalQuantile(0.5)).toBeCloseTo(0, 12);
  expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 7);
  expect(normalQuantile(0.001)).toBeCloseTo(-3.090232306167813, 7);
});
