import { expect, it } from 'vitest';
import { BACKENDS, findBackend, SCHEMES } from './registry.js';

it('finds every table by name, the default first', () => {
  expect(BACKENDS[0]!.name).toBe('onnxruntime-cpu');
  for (const backend of BACKENDS) expect(findBackend(backend.name)).toBe(backend);
  expect(new Set(BACKENDS.map(({ name }) => name)).size).toBe(BACKENDS.length);
});

it('has a table for every scheme that names its own', () => {
  for (const scheme of SCHEMES) if (scheme !== 'backend') expect(findBackend(scheme).name).toBe(scheme);
});

it('names the nearest table to one that it does not know', () => {
  expect(() => findBackend('onnxruntime')).toThrow(
    expect.objectContaining({
      name: 'BitwrightError',
      code: 'BACKEND_UNKNOWN',
      kind: 'usage',
      message: "There is no backend table 'onnxruntime'.",
      hint: "Did you mean 'onnxruntime-cpu'?",
      at: { option: '--backend' },
    }),
  );
  expect(() => findBackend('')).toThrow(expect.objectContaining({ code: 'BACKEND_UNKNOWN' }));
  expect(() => findBackend('Academic')).toThrow(
    expect.objectContaining({ hint: "Did you mean 'academic'?" }),
  );
});
