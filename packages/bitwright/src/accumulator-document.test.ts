import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { accumulatorJsonSchema, proofPath } from './accumulator-document.js';

test('the published schema is that of the document', () => {
  const published = new URL('../../../docs/reference/accumulators.schema.json', import.meta.url);
  expect(JSON.parse(readFileSync(published, 'utf8'))).toEqual(accumulatorJsonSchema());
});

test('a proof lies beside its model', () => {
  expect(proofPath('out/model.w4a4.onnx')).toBe('out/model.w4a4.accumulators.json');
  expect(proofPath('out/model')).toBe('out/model.accumulators.json');
});
