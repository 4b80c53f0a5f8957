import { addGradients } from '@bitwright/autodiff';
import { floatTensor } from '@bitwright/core';
import { emitBytes } from '@bitwright/emit';
import { openOrtNode } from '@bitwright/runtime';
import { expect, it } from 'vitest';
import { moduleOf } from './gradient-check.js';

/** The gradients of the sum of `y` with respect to all inputs, which are vectors or scalars. */
async function gradientsOf(
  text: string,
  inputs: Record<string, number[]>,
): Promise<Record<string, number[]>> {
  const module = moduleOf(text);
  const { graph } = module;
  const gradients = addGradients(graph, graph.outputs[0]!, graph.inputs);
  for (const [value, gradient] of gradients) graph.rename(gradient!, `d_${value.name}`);
  graph.setOutputs([...gradients.values()].map((value) => value!));
  const executor = await openOrtNode(emitBytes(module));
  const dims = new Map(graph.inputs.map((value) => [value.name, value.shape as number[]]));
  const feeds = Object.entries(inputs).map(
    ([name, values]) => [name, floatTensor(values, dims.get(name)!)] as const,
  );
  const found = await executor.run(new Map(feeds));
  await executor.release();
  return Object.fromEntries(
    Object.keys(inputs).map((name) => [name, [...(found.get(`d_${name}`)!.data() as Float32Array)]]),
  );
}

it('a fake quantizer has the gradients of learned step size quantization', async () => {
  // Esser et al., Learned Step Size Quantization (ICLR 2020), equations 3 and 5: for v = x / s inside of the grid
  // dy/dx = 1 and dy/ds = round(v) - v, outside 0 and the bound
  const text = `g (float[5] x, float s) => (float l) <float lo = {-4.0}, float hi = {3.0}> {
    v = Div(x, s) r = Round(v) c = Clip(r, lo, hi) y = Mul(c, s) l = ReduceSum<keepdims=0>(y) }`;
  const x = [-9, -0.8, 0.1, 0.9, 2.6];
  const s = 0.5;
  const { x: dx, s: ds } = await gradientsOf(text, { x, s: [s] });
  expect(dx).toEqual([0, 1, 1, 1, 0]);
  const inside = [-0.8, 0.1, 0.9].map((value) => Math.round(value / s) - value / s);
  expect(ds![0]).toBeCloseTo(-4 + 3 + inside.reduce((a, b) => a + b, 0), 5);
});

it('Kullback-Leibler divergence through log-softmax gives the difference of the probabilities', async () => {
  const text = `g (float[1,3] p, float[1,3] x) => (float l) {
    q = LogSoftmax<axis=1>(x) m = Mul(p, q) t = ReduceSum<keepdims=0>(m) l = Neg(t) }`;
  const p = [0.2, 0.5, 0.3];
  const x = [1, -0.5, 0.3];
  const total = x.reduce((sum, value) => sum + Math.exp(value), 0);
  const { x: dx } = await gradientsOf(text, { p, x });
  for (const [i, value] of x.entries()) expect(dx![i]).toBeCloseTo(Math.exp(value) / total - p[i]!, 5);
});

it('equal largest values of a pooling window share its gradient', async () => {
  const text = `g (float[1,1,4] x) => (float l) {
    y = MaxPool<kernel_shape=[2], strides=[2]>(x) l = ReduceSum<keepdims=0>(y) }`;
  expect((await gradientsOf(text, { x: [1, 1, 0, 3] })).x).toEqual([0.5, 0.5, 0, 1]);
});
