import { DenseTensor, seededRandom } from '@bitwright/core';
import { emitBytes } from '@bitwright/emit';
import { parseModule } from '@bitwright/graph';
import { openOrtNode } from '@bitwright/runtime';
import { quantize } from 'bitwright';
import { expect, test } from 'vitest';

/** Two linear layers; the bias of the first is coarse in 8 bits, since one of its entries is large. */
const module = parseModule(`g (float[N,4] x) => (y) <
    float[4,4] w1 = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, float[4] b1 = {40, 0.15, -0.14, 0.13},
    float[4,2] w2 = {0, 0, 1, 1, 1, -1, -1, 1}, float[2] b2 = {0.5, -0.5}> {
      h = Gemm (x, w1, b1)
      y = Gemm (h, w2, b2)
    }`);
module.opsets.set('', 17);
module.irVersion = 8;
const model = emitBytes(module);

const uniform = seededRandom(3);
const samples = Array.from({ length: 256 }, () => {
  const values = Float32Array.from({ length: 4 }, () => uniform() * 2 - 1);
  return { inputs: { x: new DenseTensor('float', [1, 4], values) } };
});

async function means(bytes: Uint8Array): Promise<number[]> {
  const executor = await openOrtNode(bytes, { threads: 1 });
  const sums = [0, 0];
  for (const { inputs } of samples) {
    const y = (await executor.run(new Map([['x', inputs.x]]))).get('y')!.data() as Float32Array;
    for (const i of sums.keys()) sums[i]! += y[i]! / samples.length;
  }
  await executor.release();
  return sums;
}

test('bias correction sees the biases before it as they are in codes, and takes their error out', async () => {
  const errors = async (method: 'fast' | 'balanced'): Promise<number> => {
    const { bytes } = await quantize(model, {
      bits: 'W8A16',
      method,
      bias: 'int8',
      granularity: 'per-tensor',
      data: samples,
    });
    const [float, quantized] = [await means(model), await means(bytes)];
    return Math.max(...float.map((mean, i) => Math.abs(mean - quantized[i]!)));
  };
  // 40/127 is more than twice each small bias, so that they become 0: 0.42 is lost in y[0]
  expect(await errors('fast')).toBeGreaterThan(0.1);
  expect(await errors('balanced')).toBeLessThan(0.01);
});
