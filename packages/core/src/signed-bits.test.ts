import { expect, test } from 'vitest';
import { signedBits } from './signed-bits.js';

test('the register that holds both ends, and no wider one', () => {
  expect(signedBits(0, 0)).toBe(1);
  expect(signedBits(-128, 127)).toBe(8);
  expect(signedBits(-129, 0)).toBe(9);
  expect(signedBits(0, 128)).toBe(9);
});
