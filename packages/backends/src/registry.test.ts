import { expect, it } from 'vitest';
import { defineBackend } from './define-backend.js';
import { BACKENDS, findBackend, SCHEMES } from './registry.js';

it('finds every table by name, the default first', () => {
  expect(BACKENDS[0]!.name).toBe('onnxruntime-cpu');
  for (const { name } of BACKENDS) expect(findBackend(name).name).toBe(name);
  expect(new Set(BACKENDS.map(({ name }) => name)).size).toBe(BACKENDS.length);
});

it('has a table for every scheme that names its own', () => {
  for (const scheme of SCHEMES) if (scheme !== 'backend') expect(findBackend(scheme).name).toBe(scheme);
});

it('finds tables that it is given beside its own, and lets them extend each other', () => {
  const base = defineBackend({
    name: 'base',
    description: 'A base.',
    entries: [{ pattern: ['Add'], dtypes: [{ input: { bits: [8] } }] }],
  });
  const above = defineBackend({ name: 'above', description: 'Above.', extends: 'base', entries: [] });
  expect(findBackend('above', [base, above]).entries.map(({ pattern }) => pattern)).toEqual([['Add']]);
  expect(() => findBackend('above', [above])).toThrow(expect.objectContaining({ code: 'BACKEND_UNKNOWN' }));
});

it('names the nearest table to one that it does not know', () => {
  expect(() => findBackend('onnxruntime')).toThrow(
    expect.objectContaining({
      name: 'BitwrightError',
      code: 'BACKEND_UNKNOWN',
      kind: 'usage',
      message: "There is no backend table 'onnxruntime'.",
      at: { option: '--backend' },
    }),
  );
  expect(() => findBackend('')).toThrow(expect.objectContaining({ code: 'BACKEND_UNKNOWN' }));
  expect(() => findBackend('Academic')).toThrow(
    expect.objectContaining({ hint: "Did you mean 'academic'?" }),
  );
});
