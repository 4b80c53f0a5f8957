import type { InputSpec } from '@bitwright/data';
import { expect, it } from 'vitest';
import { batchSizeFor } from './batch-size.js';

const input = (shape: InputSpec['shape']): InputSpec => ({ name: 'x', dtype: 'float', shape });

it.each([
  [[1, 3, 224, 224], 1],
  [[8, 3, 224, 224], 8],
  [['N', 3, 224, 224], Math.floor(2 ** 21 / (3 * 224 * 224))],
  [[undefined, 3, 32, 32], 128],
  [['N', 4096, 4096], 1],
  [['N', 'C', 512, 512], 8],
  [['N'], 128],
  [[], 128],
  [undefined, 1],
])('a model with the input %j takes %d samples', (shape, expected) => {
  expect(batchSizeFor([input(shape)])).toBe(expected);
});

it('serves the largest of several inputs, and a fixed batch of any', () => {
  expect(batchSizeFor([input(['N', 10]), input(['N', 2 ** 18])])).toBe(8);
  expect(batchSizeFor([input(['N', 10]), input([4, 10])])).toBe(4);
  expect(batchSizeFor([input(['N', 2 ** 18]), input(['N', 10])])).toBe(8);
});
