import { expect, it } from 'vitest';
import { didYouMean, nearestName } from './nearest.js';

const BACKENDS = ['onnxruntime-cpu', 'integer-only', 'academic'];

it.each([
  ['acadmic', 'academic'],
  ['integer_only', 'integer-only'],
  ['onnxruntime-gpu', 'onnxruntime-cpu'],
  ['academic', 'academic'],
])('takes %s for %s', (word, meant) => {
  expect(nearestName(word, BACKENDS)).toBe(meant);
  expect(didYouMean(word, BACKENDS)).toBe(`Did you mean '${meant}'?`);
});

it('suggests nothing that is far away', () => {
  expect(nearestName('tensorrt', BACKENDS)).toBeUndefined();
  expect(nearestName('x', BACKENDS)).toBeUndefined();
  expect(nearestName('x', [])).toBeUndefined();
});

it('lists the known words when they are few, and counts them when they are many', () => {
  expect(didYouMean('tensorrt', BACKENDS)).toBe('Known: onnxruntime-cpu, integer-only, academic.');
  const many = Array.from({ length: 13 }, (_, i) => `layer${i}.convolution.weight`);
  expect(didYouMean('x', many)).toBe('13 names are known.');
});

it('reads an iterator once', () => {
  expect(didYouMean('acadmic', new Set(BACKENDS).values())).toBe("Did you mean 'academic'?");
});
