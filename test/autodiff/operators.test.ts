import { DIFFERENTIABLE } from '@bitwright/autodiff';
import { expect, it } from 'vitest';
import { checkGradients } from './gradient-check.js';

/** [what, graph, lowest relative error that still passes]; operators that are not smooth are met away from their kinks. */
const CASES: readonly (readonly [string, string])[] = [
  ['Abs', 'g (float[2,3] x) => (float[2,3] y) { y = Abs(x) }'],
  ['Add, b broadcast', 'g (float[2,3,4] a, float[3,1] b) => (float[2,3,4] y) { y = Add(a, b) }'],
  ['Sub, a broadcast', 'g (float[1] a, float[2,3] b) => (float[2,3] y) { y = Sub(a, b) }'],
  ['Mul, both broadcast', 'g (float[2,1] a, float[3] b) => (float[2,3] y) { y = Mul(a, b) }'],
  ['Mul of a value with itself', 'g (float[5] a) => (float[5] y) { y = Mul(a, a) }'],
  ['Div', 'g (float[2,3] a, float[3] b) => (float[2,3] y) { y = Div(a, b) }'],
  ['Sum', 'g (float[2,3] a, float[3] b, float[2,1] c) => (float[2,3] y) { y = Sum(a, b, c) }'],
  ['Neg', 'g (float[4] x) => (float[4] y) { y = Neg(x) }'],
  ['Exp', 'g (float[4] x) => (float[4] y) { y = Exp(x) }'],
  ['Log, Abs', 'g (float[4] x) => (float[4] y) { a = Abs(x) y = Log(a) }'],
  ['Sqrt, Abs', 'g (float[4] x) => (float[4] y) { a = Abs(x) y = Sqrt(a) }'],
  ['Pow', 'g (float[2,4] x, float p) => (float[2,4] y) { a = Abs(x) y = Pow(a, p) }'],
  ['Relu', 'g (float[9] x) => (float[9] y) { y = Relu(x) }'],
  ['LeakyRelu', 'g (float[9] x) => (float[9] y) { y = LeakyRelu<alpha=0.3>(x) }'],
  ['Clip', 'g (float[9] x) => (float[9] y) <float a = {-0.7}, float b = {0.7}> { y = Clip(x, a, b) }'],
  ['Sigmoid', 'g (float[9] x) => (float[9] y) { y = Sigmoid(x) }'],
  ['Tanh', 'g (float[9] x) => (float[9] y) { y = Tanh(x) }'],
  ['HardSigmoid', 'g (float[9] x) => (float[9] y) { y = HardSigmoid<alpha=0.4, beta=0.5>(x) }'],
  ['HardSwish', 'g (float[9] x) => (float[9] y) { y = HardSwish(x) }'],
  ['Identity', 'g (float[3] x) => (float[3] y) { y = Identity(x) }'],
  ['Flatten', 'g (float[2,3,2] x) => (float[2,6] y) { y = Flatten(x) }'],
  ['Reshape', 'g (float[2,6] x) => (float[3,4] y) <int64[2] s = {3, -1}> { y = Reshape(x, s) }'],
  [
    'Squeeze, Unsqueeze',
    'g (float[2,1] x) => (float[1,2] y) <int64[1] a = {1}, int64[1] b = {0}> { z = Squeeze(x, a) y = Unsqueeze(z, b) }',
  ],
  ['Transpose', 'g (float[2,3,4] x) => (float[4,2,3] y) { y = Transpose<perm=[2,0,1]>(x) }'],
  ['Transpose, reversing', 'g (float[2,3] x) => (float[3,2] y) { y = Transpose(x) }'],
  ['Concat', 'g (float[2,1] a, float[2,3] b) => (float[2,4] y) { y = Concat<axis=-1>(a, b) }'],
  ['Pad', 'g (float[2,3] x) => (float[3,6] y) <int64[4] p = {1,0,0,3}> { y = Pad(x, p) }'],
  [
    'Pad of some axes',
    'g (float[2,3] x) => (float[2,6] y) <int64[2] p = {1,2}, int64[1] a = {-1}, float c = {2.0}> { y = Pad(x, p, c, a) }',
  ],
  [
    'Slice',
    'g (float[4,5] x) => (float[2,5] y) <int64[1] s = {-3}, int64[1] e = {3}, int64[1] a = {0}> { y = Slice(x, s, e, a) }',
  ],
  [
    'Slice with steps',
    'g (float[3,5,6] x) => (float[3,3,2] y) <int64[2] s = {0,1}, int64[2] e = {9,9}, int64[2] a = {1,-1}, int64[2] t = {2,3}> { y = Slice(x, s, e, a, t) }',
  ],
  [
    'ReduceSum',
    'g (float[2,3,4] x) => (float[3] y) <int64[2] a = {0,-1}> { y = ReduceSum<keepdims=0>(x, a) }',
  ],
  ['ReduceMean', 'g (float[2,3,4] x) => (float[2,1,4] y) <int64[1] a = {1}> { y = ReduceMean(x, a) }'],
  ['ReduceMean of all', 'g (float[2,3,4] x) => (float y) { y = ReduceMean<keepdims=0>(x) }'],
  ['Softmax', 'g (float[3,4] x) => (float[3,4] y) { y = Softmax<axis=1>(x) }'],
  ['LogSoftmax', 'g (float[3,4] x) => (float[3,4] y) { y = LogSoftmax<axis=0>(x) }'],
  ['MatMul', 'g (float[3,4] a, float[4,2] b) => (float[3,2] y) { y = MatMul(a, b) }'],
  ['MatMul, rows of a batch', 'g (float[2,3,4] a, float[4,2] b) => (float[2,3,2] y) { y = MatMul(a, b) }'],
  ['MatMul, b broadcast', 'g (float[5,2,3,4] a, float[2,4,2] b) => (float[5,2,3,2] y) { y = MatMul(a, b) }'],
  ['MatMul, a broadcast', 'g (float[3,4] a, float[2,4,2] b) => (float[2,3,2] y) { y = MatMul(a, b) }'],
  ...[0, 1].flatMap((ta) =>
    [0, 1].map((tb): readonly [string, string] => [
      `Gemm, transA ${ta}, transB ${tb}`,
      `g (float[${ta ? '4,3' : '3,4'}] a, float[${tb ? '2,4' : '4,2'}] b, float[2] c) => (float[3,2] y) {
        y = Gemm<transA=${ta}, transB=${tb}, alpha=0.5, beta=2.0>(a, b, c) }`,
    ]),
  ),
  ['GlobalAveragePool', 'g (float[2,3,4,2] x) => (float[2,3,1,1] y) { y = GlobalAveragePool(x) }'],
  [
    'AveragePool',
    'g (float[2,3,5,6] x) => (float[2,3,2,3] y) { y = AveragePool<kernel_shape=[2,2], strides=[2,2]>(x) }',
  ],
  [
    'AveragePool with padding',
    'g (float[1,2,5,5] x) => (float[1,2,3,3] y) { y = AveragePool<kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]>(x) }',
  ],
  [
    'AveragePool that counts its padding',
    'g (float[1,2,5] x) => (float[1,2,5] y) { y = AveragePool<kernel_shape=[3], pads=[1,1], count_include_pad=1>(x) }',
  ],
  [
    'MaxPool',
    'g (float[2,3,5,6] x) => (float[2,3,3,3] y) { y = MaxPool<kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]>(x) }',
  ],
  ['MaxPool, 1d', 'g (float[2,3,6] x) => (float[2,3,3] y) { y = MaxPool<kernel_shape=[2], strides=[2]>(x) }'],
];

it.each(CASES)('%s', async (_, text) => {
  for (const seed of [1, 2]) {
    const { analytic, numeric, size } = await checkGradients(text, seed, undefined, 1e-3);
    expect(Math.abs(analytic - numeric)).toBeLessThan(3e-3 * size + 1e-4);
    expect(size).toBeGreaterThan(0);
  }
});

it('has a case for every operator but those with tests of their own', () => {
  const cased = CASES.map(([, text]) => text).join(' ');
  const missing = DIFFERENTIABLE.filter((opType) => !new RegExp(`= ${opType}\\b`).test(cased));
  expect(missing).toEqual(['Conv', 'Round']);
});
