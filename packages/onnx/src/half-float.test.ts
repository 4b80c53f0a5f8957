import { expect, it } from 'vitest';
import { bfloat16ToFloat32, float16ToFloat32 } from './index.js';

it.each([
  [0x0000, 0],
  [0x8000, -0],
  [0x0001, 2 ** -24],
  [0x03ff, 1023 * 2 ** -24],
  [0x0400, 2 ** -14],
  [0x3c00, 1],
  [0xc000, -2],
  [0x3555, 0.333251953125],
  [0x7bff, 65504],
  [0x7c00, Number.POSITIVE_INFINITY],
  [0xfc00, Number.NEGATIVE_INFINITY],
  [0x7e00, Number.NaN],
])('float16 %i is %d', (bits, value) => {
  expect(float16ToFloat32(bits)).toBe(value);
});

it.each([
  [0x0000, 0],
  [0x8000, -0],
  [0x3f80, 1],
  [0xc049, -3.140625],
  [0x0001, 2 ** -133],
  [0x7f80, Number.POSITIVE_INFINITY],
  [0x7fc0, Number.NaN],
])('bfloat16 %i is %d', (bits, value) => {
  expect(bfloat16ToFloat32(bits)).toBe(value);
});
