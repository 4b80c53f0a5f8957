import { expect, it } from 'vitest';
import { diffBackends } from './diff-backends.js';
import { BACKENDS, findBackend } from './registry.js';

it('finds nothing between a table and itself', () => {
  for (const { name } of BACKENDS)
    expect(diffBackends(findBackend(name), findBackend(name))).toEqual({
      onlyFirst: [],
      onlySecond: [],
      changed: [],
    });
});

it('names what only one has, and each value that differs', () => {
  const base = findBackend('tensorrt');
  const [conv, ...rest] = base.entries;
  const narrower = { ...conv!, dtypes: [{ ...conv!.dtypes[0]!, bias: ['int32'] as const }] };
  const other = { ...base, firstLastBits: 8, entries: [narrower, ...rest.slice(1)] };
  expect(diffBackends(base, other)).toEqual({
    onlyFirst: ['Conv'],
    onlySecond: [],
    changed: [
      { pattern: '', key: 'firstLastBits', first: undefined, second: 8 },
      { pattern: 'Conv+Relu', key: 'dtypes[0].bias', first: ['float'], second: ['int32'] },
    ],
  });
});
