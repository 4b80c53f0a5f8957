import { expect, it } from 'vitest';
import { BufferSource } from './bytes.js';

it('reads ranges of a buffer without copying', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4);
  const source = new BufferSource('memory', bytes);
  expect(source.size).toBe(4);
  const range = source.read(1, 2);
  expect(range).toEqual(Uint8Array.of(2, 3));
  expect(range.buffer).toBe(bytes.buffer);
});
