import type { DenseTensor, DType } from '@bitwright/core';
import { ModelSketch, openOrtNode, randomFloats } from '@bitwright/runtime';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { openOrtWeb } from '../support/ort-web.js';

const IMAGE = [1, 4, 8, 8];
const input = randomFloats(IMAGE, [-1, 3], 1);

/** Grids that reach below zero, so that a dropped Relu shows. */
const GRIDS: readonly [DType, number, number][] = [
  ['int4', 0, 0.4],
  ['uint4', 5, 0.4],
  ['int2', 0, 0.5],
  ['uint2', 1, 0.9],
];

function reluModel(dtype: DType, zeroPoint: number, scale: number): Uint8Array {
  const sketch = new ModelSketch(25);
  return sketch.finish(
    sketch.fakeQuantize(sketch.op('Relu', [sketch.input(IMAGE)]), { dtype, scale, zeroPoint }),
  );
}

/** Trap 5: what makes a session faithful. */
describe.each(GRIDS)('a Relu before %s with zero point %d', (dtype, zeroPoint, scale) => {
  const bytes = reluModel(dtype, zeroPoint, scale);

  it('is lost in a stock session, and by disable_quant_qdq alone too', async () => {
    const right = await values({ graphOptimizationLevel: 'disabled' });
    expect(await values({})).not.toEqual(right);
    expect(await values({ extra: { session: { disable_quant_qdq: '1' } } })).not.toEqual(right);
  });

  it.each([
    ['onnxruntime-node', openOrtNode],
    ['onnxruntime-web', openOrtWeb],
  ])('is kept in faithful mode by %s, and at level basic', async (_, open) => {
    const right = await values({ graphOptimizationLevel: 'disabled' });
    expect(await values({ graphOptimizationLevel: 'basic' })).toEqual(right);
    const executor = await open(bytes, { mode: 'faithful' });
    expect((await executor.run(new Map([['x', input]]))).get('y')!.data()).toEqual(right);
    await executor.release();
  });

  async function values(options: ort.InferenceSession.SessionOptions): Promise<Float32Array> {
    const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4, ...options });
    const x = new ort.Tensor('float32', (input as DenseTensor).data() as Float32Array, IMAGE);
    const { y } = await session.run({ x });
    await session.release();
    return y!.data as Float32Array;
  }
});
