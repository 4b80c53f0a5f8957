import { quantGrid } from '@bitwright/core';
import { expect, it } from 'vitest';
import { biasScales } from './bias-scale.js';

const values = Float32Array.of(127, -25.4, 0);

it('gives the smallest scales that clip nothing, one a channel or one for all', () => {
  const plain = { perChannel: true, powerOfTwo: false };
  expect([...biasScales(values, quantGrid(8, true), plain)]).toEqual([1, Math.fround(25.4 / 127), 1]);
  expect([...biasScales(values, quantGrid(8, true), { ...plain, perChannel: false })]).toEqual([1]);
});

it('rounds them up to powers of two', () => {
  expect([...biasScales(values, quantGrid(8, true), { perChannel: true, powerOfTwo: true })]).toEqual([
    1, 0.25, 1,
  ]);
});
