import { expect, test } from 'vitest';
import type { AccumulatorDocument } from './accumulator-document.js';
import { filesOfModel } from './write-model.js';

const accumulators: AccumulatorDocument = {
  format: 'bitwright-accumulators',
  version: 1,
  sha256: '00',
  accumulatorBits: 16,
  sum: 'sum((q_x - z_x) * (q_w - z_w)), bias apart',
  holds: true,
  layers: [],
  unproven: [],
};

test('the proof goes before its model and names it', () => {
  const bytes = new Uint8Array([1]);
  expect(filesOfModel('a/b.onnx', { bytes })).toEqual([['a/b.onnx', bytes]]);
  const [[path, text], model] = filesOfModel('a/b.onnx', { bytes, accumulators }) as [
    [string, string],
    [string, Uint8Array],
  ];
  expect(path).toBe('a/b.accumulators.json');
  expect(JSON.parse(text)).toEqual({ ...accumulators, model: 'b.onnx' });
  expect(model).toEqual(['a/b.onnx', bytes]);
});
