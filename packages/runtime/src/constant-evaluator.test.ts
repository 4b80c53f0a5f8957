import { floatData } from '@bitwright/core';
import { constantTensor, lint, parseModule } from '@bitwright/graph';
import { foldConstantsWith } from '@bitwright/rewrite';
import { expect, it } from 'vitest';
import { constantEvaluator } from './constant-evaluator.js';
import { openOrtNode } from './node/ort-node-executor.js';

const model = (text: string) => parseModule(`<ir_version: 8, opset_import: ["": 17, "own": 1]> ${text}`);

it('computes what is constant by running it', async () => {
  const module = model(`g (float[2] x) => (float[2] y) <float[2] c = {1, 4}, float[2,1] w = {3, 5}> {
    a = Sqrt(c) b = MatMul(a, w) y = Add(x, b) }`);
  const { folded, left } = await foldConstantsWith(module, constantEvaluator(module, openOrtNode));
  lint(module);
  expect([folded, left]).toEqual([2, []]);
  const [add] = [...module.graph.ops()];
  expect(floatData(constantTensor(add!.inputs[1])!)).toEqual(Float32Array.of(13));
});

it('leaves what the runtime refuses, and opens none where nothing is constant', async () => {
  const refused = model(
    'g (float[2] x) => (float[2] y) <float[2] c = {1, 4}> { a = own.Odd(c) y = Add(x, a) }',
  );
  const report = await foldConstantsWith(refused, constantEvaluator(refused, openOrtNode));
  expect(report).toMatchObject({ folded: 0, left: [{ opType: 'Odd' }] });
  const plain = model('g (float[2] x) => (float[2] y) { y = Exp(x) }');
  const never = () => Promise.reject(new Error('opened'));
  expect((await foldConstantsWith(plain, constantEvaluator(plain, never))).folded).toBe(0);
});

it('never asks for 4-bit results, which would abort the process', async () => {
  const narrow = model(
    'g (float[2] x) => (float[2] y) <int4[2] c = {1, 4}> { a = Cast<to = 1>(c) y = Add(x, a) }',
  );
  const never = () => Promise.reject(new Error('opened'));
  expect((await foldConstantsWith(narrow, constantEvaluator(narrow, never))).folded).toBeLessThanOrEqual(1);
});
