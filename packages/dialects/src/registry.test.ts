import { quantGrid } from '@bitwright/core';
import type { QuantSpec } from '@bitwright/graph';
import { expect, it } from 'vitest';
import { DIALECTS, findDialect } from './registry.js';

const specOf = (role: QuantSpec['role'], bits: number): QuantSpec => ({
  role,
  ...quantGrid(bits, role !== 'activation'),
});
const opsetOf = (dialect: string, role: QuantSpec['role'], bits: number): number =>
  findDialect(dialect, false).opsetFor(specOf(role, bits));

it('finds dialects by name', () => {
  for (const dialect of DIALECTS) expect(findDialect(dialect.name, true)).toBe(dialect);
  expect(new Set(DIALECTS.map(({ name }) => name)).size).toBe(DIALECTS.length);
});

it('takes qcdq by itself where an activation is narrow, else qdq', () => {
  expect(findDialect('auto', true).name).toBe('qcdq');
  expect(findDialect('auto', false).name).toBe('qdq');
});

it('names the nearest dialect to one that it does not know', () => {
  expect(() => findDialect('qcdqq', false)).toThrow(
    expect.objectContaining({
      code: 'DIALECT_UNKNOWN',
      kind: 'usage',
      hint: "Did you mean 'qcdq'?",
      at: { option: '--dialect' },
    }),
  );
});

it.each([2, 3, 4, 5, 6, 7])('qdq refuses %d-bit activations and names qcdq', (bits) => {
  expect(() => opsetOf('qdq', 'activation', bits)).toThrow(
    expect.objectContaining({
      code: 'DIALECT_WIDTH',
      kind: 'usage',
      message: `The dialect 'qdq' has no ${bits}-bit activations.`,
      hint: expect.stringContaining('qcdq'),
    }),
  );
  expect(opsetOf('qdq', 'weight', bits)).toBe(13);
  expect(opsetOf('qcdq', 'activation', bits)).toBe(13);
});

it('needs opset 21 for 16 bits, and newer ones for packed weights', () => {
  for (const dialect of ['qdq', 'qcdq', 'native']) {
    expect(opsetOf(dialect, 'activation', 16)).toBe(21);
    expect(opsetOf(dialect, 'weight', 16)).toBe(21);
    expect(opsetOf(dialect, 'bias', 16)).toBe(21);
    expect(opsetOf(dialect, 'bias', 32)).toBe(13);
    expect(opsetOf(dialect, 'activation', 8)).toBe(13);
  }
  expect([2, 3, 4, 5, 8].map((bits) => opsetOf('native', 'weight', bits))).toEqual([25, 21, 21, 13, 13]);
  expect(opsetOf('qonnx', 'weight', 2)).toBe(13);
});

it('says which dialects stock runtimes load, and which have no zero points', () => {
  expect(DIALECTS.filter(({ runsInOnnxRuntime }) => !runsInOnnxRuntime).map(({ name }) => name)).toEqual([
    'qonnx',
  ]);
  expect(DIALECTS.filter(({ zeroPointIsZero }) => zeroPointIsZero).map(({ name }) => name)).toEqual([
    'qonnx',
  ]);
});
