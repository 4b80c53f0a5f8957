import { expect, it } from 'vitest';
import { Adam } from './adam.js';

it('takes the first step of the paper: the rate, against the sign of the gradient', () => {
  const values = Float32Array.of(1, 1, 1);
  new Adam([{ values, rate: 0.1 }], 10).step([Float32Array.of(5, -0.01, 0)]);
  expect([...values].map((value) => Number(value.toFixed(4)))).toEqual([0.9, 1.1, 1]);
});

it('follows the recurrence of algorithm 1', () => {
  const values = Float32Array.of(0.3);
  const adam = new Adam([{ values, rate: 0.01 }], 1e9);
  let [w, m, v] = [Math.fround(0.3), 0, 0];
  for (const [i, g] of [0.5, -0.2, 0.9, 0.1].entries()) {
    adam.step([Float32Array.of(g)]);
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    w -= (0.01 * (m / (1 - 0.9 ** (i + 1)))) / (Math.sqrt(v / (1 - 0.999 ** (i + 1))) + 1e-8);
    expect(values[0]).toBeCloseTo(w, 5);
  }
});

it('finds the least of a bowl, and stops moving at the end of a cosine', () => {
  const values = Float32Array.of(3, -2);
  const steps = 400;
  const adam = new Adam([{ values, rate: 0.1 }], steps);
  let before = 0;
  for (let i = 0; i < steps; i++) {
    before = values[0]!;
    adam.step([Float32Array.of(2 * (values[0]! - 1), 2 * values[1]!)]);
  }
  expect(values[0]).toBeCloseTo(1, 2);
  expect(values[1]).toBeCloseTo(0, 2);
  expect(Math.abs(values[0]! - before)).toBeLessThan(1e-5);
});

it('leaves a tensor without gradient alone', () => {
  const values = Float32Array.of(1);
  new Adam([{ values, rate: 1 }], 1).step([undefined]);
  expect(values[0]).toBe(1);
});
