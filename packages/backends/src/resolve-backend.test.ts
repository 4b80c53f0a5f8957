import { expect, it } from 'vitest';
import type { BackendTable } from './backend-config.js';
import { resolveBackend } from './resolve-backend.js';

const eight = { input: { bits: [8] } };
const four = { input: { bits: [4] } };
const base: BackendTable = {
  name: 'base',
  description: 'A base.',
  dialects: ['qdq'],
  firstLastBits: 8,
  entries: [
    { pattern: ['Conv', ['Relu', 'Clip']], dtypes: [eight] },
    { pattern: ['Add'], dtypes: [eight] },
  ],
};
const find = (): BackendTable => base;
const outline = (table: BackendTable, others = find) =>
  resolveBackend(table, others).entries.map(
    ({ pattern, dtypes }) => `${pattern.join('+')} ${dtypes[0]?.input?.bits}`,
  );

it('fills in alternatives, presets and defaults', () => {
  const table: BackendTable = {
    name: 'own',
    description: 'Own.',
    source: 'https://example.com/',
    presets: { eight },
    entries: [
      {
        pattern: [
          ['Conv', 'Gemm'],
          ['Relu', 'Clip'],
        ],
        dtypes: ['eight', four],
        evidence: 'cited',
      },
    ],
  };
  const { entries } = resolveBackend(table, find);
  expect(entries.map(({ pattern, anchor }) => [pattern.join('+'), anchor])).toEqual([
    ['Conv+Relu', 'Conv'],
    ['Conv+Clip', 'Conv'],
    ['Gemm+Relu', 'Gemm'],
    ['Gemm+Clip', 'Gemm'],
  ]);
  expect(entries[0]).toEqual({
    pattern: ['Conv', 'Relu'],
    anchor: 'Conv',
    observation: 'OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT',
    dtypes: [eight, four],
    evidence: 'cited',
    source: 'https://example.com/',
  });
});

it('lets own entries replace, add and remove entries of the base, and own keys win', () => {
  const table: BackendTable = {
    name: 'own',
    description: 'Own.',
    extends: 'base',
    dialects: ['qcdq'],
    remove: [['Add']],
    entries: [
      { pattern: ['Conv', 'Clip'], dtypes: [four] },
      { pattern: ['Mul'], dtypes: [four] },
    ],
  };
  expect(outline(table)).toEqual(['Conv+Clip 4', 'Mul 4', 'Conv+Relu 8']);
  expect(resolveBackend(table, find)).toMatchObject({
    name: 'own',
    description: 'Own.',
    dialects: ['qcdq'],
    firstLastBits: 8,
  });
});

it('resolves what it has resolved to the same', () => {
  const once = resolveBackend(base, find);
  expect(resolveBackend(once, find)).toEqual(once);
});

it('names the way round a circle', () => {
  const a: BackendTable = { name: 'a', description: 'A.', extends: 'b', entries: [] };
  const b: BackendTable = { name: 'b', description: 'B.', extends: 'a', entries: [] };
  expect(() => resolveBackend(a, (name) => (name === 'a' ? a : b))).toThrow(
    expect.objectContaining({
      code: 'BACKEND_EXTENDS_CYCLE',
      message: 'The tables extend each other in a circle: a -> b -> a.',
    }),
  );
  expect(() => resolveBackend({ ...a, extends: 'a' }, () => a)).toThrow(/a -> a/);
});

it('refuses a preset and a removal that do not exist, with the nearest', () => {
  const table: BackendTable = { name: 'own', description: 'Own.', extends: 'base', entries: [] };
  expect(() => resolveBackend({ ...table, remove: [['Conv', 'Rellu']] }, find)).toThrow(
    expect.objectContaining({ code: 'BACKEND_REMOVE_UNMATCHED', hint: "Did you mean 'Conv+Relu'?" }),
  );
  const typo = { ...table, presets: { eight }, entries: [{ pattern: ['Add'], dtypes: ['eigth'] }] };
  expect(() => resolveBackend(typo, find)).toThrow(
    expect.objectContaining({ code: 'BACKEND_PRESET_UNKNOWN', hint: "Did you mean 'eight'?" }),
  );
});
