import { expect, it } from 'vitest';
import { ALL_WIDTHS } from '../backend-config.js';
import { checkBackend } from '../check-backend.js';
import { BACKENDS, findBackend } from '../registry.js';

const tables = BACKENDS.map((table) => [table.name, table] as const);

it.each(tables)('%s says the same as JSON, and is frozen', (_, table) => {
  expect(JSON.parse(JSON.stringify(table))).toEqual(table);
  expect(Object.isFrozen(table.entries[0]!.dtypes)).toBe(true);
});

it.each(tables)('%s passes its own checker under another name', (_, table) => {
  expect(checkBackend({ ...table, name: 'another' })).toEqual([]);
});

it.each(tables)('%s says of each entry where its truth comes from', (name) => {
  for (const { pattern, evidence, source } of findBackend(name).entries) {
    expect(evidence, pattern.join('+')).toBeDefined();
    if (evidence === 'cited') expect(source, pattern.join('+')).toMatch(/^https:\/\//);
  }
});

it('academic quantizes inputs and weights, no results', () => {
  const academic = findBackend('academic');
  expect(academic.firstLastBits).toBe(8);
  expect(academic.entries.map(({ pattern }) => pattern.join())).toEqual([
    'Conv',
    'ConvTranspose',
    'Gemm',
    'MatMul',
  ]);
  for (const { dtypes } of academic.entries)
    for (const { input, weight, output } of dtypes)
      expect([input, weight, output].map((operand) => operand !== undefined)).toEqual([true, true, false]);
});

it('integer-only quantizes the input and the result of every entry, at every width', () => {
  const integerOnly = findBackend('integer-only');
  expect(integerOnly.firstLastBits).toBeUndefined();
  for (const { dtypes } of integerOnly.entries)
    for (const { input, output } of dtypes)
      for (const operand of [input, output]) expect(operand?.bits).toEqual(ALL_WIDTHS);
});
