import { floatTensor, quantGrid } from '@bitwright/core';
import { QuantizedTensor } from '@bitwright/graph';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { latentCodes, latentWeights } from './latent-weights.js';

it('starts from any codes whatever the float weights, zero points included', () => {
  const weight = fc.record({
    code: fc.integer({ min: -4, max: 3 }),
    float: fc.double({ min: -3, max: 3, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(weight, { minLength: 2, maxLength: 12 }), (weights) => {
      const even = weights.slice(0, weights.length & ~1);
      const dims = [2, even.length / 2];
      const qparams = {
        ...quantGrid(3, true),
        scale: Float32Array.of(0.25, 0.5),
        zeroPoint: Int32Array.of(1, -2),
        axis: 0,
      };
      const codes = Int32Array.from(even, ({ code }) => code);
      const float = floatTensor(
        even.map((item) => item.float),
        dims,
      );
      const latent = latentWeights(new QuantizedTensor(dims, codes, qparams), float);
      expect(latentCodes(latent, qparams)).toEqual(codes);
    }),
  );
});

it('leans to the float weight', () => {
  const qparams = { ...quantGrid(4, true), scale: Float32Array.of(0.5), zeroPoint: Int32Array.of(1) };
  const tensor = new QuantizedTensor([4], Int32Array.of(2, 2, 2, 2), qparams);
  // on the grid 0.5 (q - 1) the code 2 stands for 0.5
  const latent = latentWeights(tensor, floatTensor([0.5, 0.6, 0.4, 3]));
  expect([...latent].map((value) => Number(value.toFixed(3)))).toEqual([2, 2.2, 1.8, 2.45]);
});

it('keeps codes on the grid', () => {
  expect([...latentCodes(Float32Array.of(-9, 0.5, 1.5, 9), quantGrid(2, true))]).toEqual([-2, 0, 1, 1]);
});
