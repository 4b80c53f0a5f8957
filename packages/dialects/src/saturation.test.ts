import { isQuantizer } from '@bitwright/graph';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { convModel, quantizedModel, spec } from '../test/quantized-model.js';
import { layerSaturation, predictPairSaturation } from './saturation.js';

/** Tries every two weights with every choice of extreme inputs, a lone weight beside padding too. */
function bruteForce(codes: readonly number[], largestCode: number): { low: number; high: number } {
  const padded = [...codes, 0];
  let low = 0;
  let high = 0;
  for (let i = 0; i < padded.length; i++) {
    for (let j = i + 1; j < padded.length; j++) {
      for (const [a, b] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ] as const) {
        const sum = a * largestCode * padded[i]! + b * largestCode * padded[j]!;
        low = Math.min(low, sum);
        high = Math.max(high, sum);
      }
    }
  }
  return { low, high };
}

it('is safe exactly where no pair of products can pass 16 bits', () => {
  const code = fc.integer({ min: -128, max: 127 });
  const extreme = fc.constantFrom(-128, -127, -65, -64, 63, 64, 65, 127);
  fc.assert(
    fc.property(
      fc.array(fc.oneof(code, extreme), { maxLength: 12 }),
      fc.constantFrom(1, 15, 63, 127, 128, 200, 255),
      (codes, largestCode) => {
        const { low, high } = bruteForce(codes, largestCode);
        const found = predictPairSaturation(Int32Array.from(codes), largestCode);
        expect(found.safe).toBe(low >= -32768 && high <= 32767);
        expect(Math.abs(found.worst)).toBe(Math.max(-low, high));
        expect(found.worst === low || found.worst === high).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

it.each([
  [[64, 64], 255, true, 32640],
  [[64, 65], 255, false, 32895],
  [[-64, -64], 255, true, -32640],
  [[-64, -65], 255, false, -32895],
  [[127, 127], 127, true, 32258],
  [[-128, -128], 127, true, -32512],
  [[127, -128], 255, true, -32640],
  [[127], 255, true, 32385],
  [[], 255, true, 0],
])('%j with codes up to %d: safe %s, worst %d', (codes, largestCode, safe, worst) => {
  const found = predictPairSaturation(Int32Array.from(codes), largestCode);
  expect(found.safe).toBe(safe);
  expect(found.worst + 0).toBe(worst);
});

it('reads weights and input codes of a layer', () => {
  const weightOf = (module: ReturnType<typeof convModel>) =>
    [...module.graph.ops()].find(
      (node) => isQuantizer(node) && node.attributes.string('role', '') === 'weight',
    )!;
  const heavy = [60, 63.5, 0, 0, 0, 0, 0, 0];
  const wide = weightOf(convModel({ weightBits: 8, inputBits: 8, weights: heavy }));
  expect(layerSaturation(wide)).toEqual({ safe: false, worst: 255 * 247 });
  // a signed grid is moved up to 0..255 before it meets the weights
  const signed = weightOf(convModel({ weightBits: 8, inputBits: 8, inputSigned: true, weights: heavy }));
  expect(layerSaturation(signed).worst).toBe(255 * 247);
  const seven = weightOf(convModel({ weightBits: 8, inputBits: 7, weights: heavy }));
  expect(layerSaturation(seven)).toEqual({ safe: true, worst: 127 * 247 });
});

it('is safe where the input is float', () => {
  const module =
    quantizedModel(`g (float[1,2] x) => (y) <float[2,2] w = {127,127,127,127}, float s = {1}, int32 o = {0}> {
    wq = FakeQuantize${spec('weight', 8, true)}(w, s, o) y = MatMul(x, wq)
  }`);
  const [quantizer] = [...module.graph.ops()].filter(isQuantizer);
  expect(layerSaturation(quantizer!)).toEqual({ safe: true, worst: 0 });
});
