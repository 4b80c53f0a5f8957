import { expect, it } from 'vitest';
import { ALL_WIDTHS, BIAS_FORMS, OBSERVATION_TYPES } from '../backend-config.js';
import { BACKENDS } from '../registry.js';

const tables = BACKENDS.map((backend) => [backend.name, backend] as const);

it.each(tables)('%s says the same as JSON', (_, backend) => {
  expect(JSON.parse(JSON.stringify(backend))).toEqual(backend);
});

it.each(tables)('%s has no pattern twice, and each anchor in its pattern', (_, { entries }) => {
  const patterns = entries.map(({ pattern }) => pattern.join(' '));
  expect(patterns.filter((pattern, i) => patterns.indexOf(pattern) !== i)).toEqual([]);
  for (const { pattern, anchor } of entries) expect(pattern).toContain(anchor);
});

it.each(tables)('%s uses the vocabulary of tables only', (_, { entries }) => {
  for (const { observation, dtypes } of entries) {
    expect(OBSERVATION_TYPES).toContain(observation);
    expect(dtypes.length).toBeGreaterThan(0);
    for (const { input, weight, output, bias = [] } of dtypes) {
      for (const operand of [input, weight, output])
        for (const bits of operand?.bits ?? []) expect(ALL_WIDTHS).toContain(bits);
      for (const form of bias) expect(BIAS_FORMS).toContain(form);
    }
  }
});

it('academic quantizes inputs and weights, no results', () => {
  const academic = BACKENDS.find(({ name }) => name === 'academic')!;
  expect(academic.firstLastBits).toBe(8);
  for (const { pattern, dtypes } of academic.entries) {
    expect(pattern).toHaveLength(1);
    for (const { input, weight, output } of dtypes)
      expect([input, weight, output].map((operand) => operand !== undefined)).toEqual([true, true, false]);
  }
});

it('integer-only quantizes the input and the result of every entry', () => {
  const integerOnly = BACKENDS.find(({ name }) => name === 'integer-only')!;
  expect(integerOnly.firstLastBits).toBeUndefined();
  for (const { dtypes } of integerOnly.entries)
    for (const { input, output } of dtypes)
      expect([input, output].every((operand) => operand !== undefined)).toBe(true);
});
