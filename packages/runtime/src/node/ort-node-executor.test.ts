import { type BitwrightError, DenseTensor, floatTensor } from '@bitwright/core';
import { emitBytes } from '@bitwright/emit';
import { parseModule } from '@bitwright/graph';
import { expect, it } from 'vitest';
import { openOrtNode } from './ort-node-executor.js';

const bytesOf = (graph: string): Uint8Array =>
  emitBytes(parseModule(`<ir_version: 10, opset_import: ["": 21, "com.example": 1]> ${graph}`));
const SUM = bytesOf(
  'g (float[N,2] x, float[N,2] z) => (float[N,2] s, float[N,2] d) { s = Add(x, z) d = Sub(x, z) }',
);

it('describes inputs and outputs, and runs what is fetched', async () => {
  const executor = await openOrtNode(SUM);
  expect(executor.inputs).toEqual([
    { name: 'x', dtype: 'float', shape: ['N', 2] },
    { name: 'z', dtype: 'float', shape: ['N', 2] },
  ]);
  expect(executor.outputNames).toEqual(['s', 'd']);
  const feeds = new Map([
    ['x', floatTensor([1, 2], [1, 2])],
    ['z', floatTensor([10, 20], [1, 2])],
  ]);
  const all = await executor.run(feeds);
  expect([...all.keys()]).toEqual(['s', 'd']);
  expect([...(all.get('s')!.data() as Float32Array)]).toEqual([11, 22]);
  expect(all.get('s')!.dims).toEqual([1, 2]);
  expect([...(await executor.run(feeds, ['d'])).keys()]).toEqual(['d']);
  await executor.release();
});

it('carries integers and booleans', async () => {
  const executor = await openOrtNode(
    bytesOf('g (int64[2] x) => (int64[2] y, bool[2] b) { y = Add(x, x) b = Greater(y, x) }'),
  );
  const found = await executor.run(
    new Map([['x', new DenseTensor('int64', [2], BigInt64Array.of(-3n, 4n))]]),
  );
  expect(found.get('y')).toMatchObject({ dtype: 'int64', dims: [2] });
  expect(found.get('y')!.data()).toEqual(BigInt64Array.of(-6n, 8n));
  expect(found.get('b')!.dtype).toBe('bool');
  expect(Array.from(found.get('b')!.data() as Uint8Array)).toEqual([0, 1]);
  await executor.release();
});

it('names the operator that the runtime does not know', async () => {
  const bytes = bytesOf('g (float[2] x) => (float[2] y) { y = com.example.Wobble(x) }');
  await expect(openOrtNode(bytes, { name: 'model.onnx' })).rejects.toThrow(
    expect.objectContaining({
      code: 'RUNTIME_UNSUPPORTED_OPERATOR',
      message: expect.stringContaining('Wobble'),
      at: expect.objectContaining({ file: 'model.onnx' }),
    }),
  );
});

it('says which operator a misspelt one was meant to be, and only then', async () => {
  const hintOf = async (operator: string): Promise<string> => {
    const bytes = bytesOf(`g (float[2] x) => (float[2] y) { y = ${operator}(x) }`);
    return openOrtNode(bytes).then(
      () => '',
      (thrown: BitwrightError) => thrown.hint,
    );
  };
  expect(await hintOf('Sigmiod')).toMatch(/^Did you mean 'Sigmoid'\? /);
  expect(await hintOf('com.example.Sigmiod')).toMatch(/^Calibration runs/);
  expect(await hintOf('Wonderful')).toMatch(/^Calibration runs/);
});

it('says that a file is no model', async () => {
  await expect(openOrtNode(Uint8Array.of(1, 2, 3), { name: 'model.onnx' })).rejects.toThrow(
    expect.objectContaining({ code: 'RUNTIME_LOAD_FAILED', at: { file: 'model.onnx' } }),
  );
});

it('wraps what goes wrong in a run', async () => {
  const executor = await openOrtNode(SUM, { name: 'model.onnx' });
  const feeds = new Map([
    ['x', floatTensor([1, 2, 3], [1, 3])],
    ['z', floatTensor([1, 2], [1, 2])],
  ]);
  await expect(executor.run(feeds)).rejects.toThrow(
    expect.objectContaining({ code: 'RUNTIME_RUN_FAILED', at: { file: 'model.onnx' } }),
  );
  const narrow = new Map([['x', new DenseTensor('int4', [1], Int8Array.of(1))]]);
  await expect(executor.run(narrow)).rejects.toThrow(expect.objectContaining({ code: 'RUNTIME_DTYPE' }));
  await executor.release();
});

it('keeps fake quantization as written in faithful mode', async () => {
  const bytes = bytesOf(`g (float[4] x) => (float[4] y) <float s = {0.5}, uint8 z = {2}> {
    q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z) r = Relu(d)
    p = QuantizeLinear(r, s, z) y = DequantizeLinear(p, s, z)
  }`);
  const x = new Map([['x', floatTensor([-9, 0.24, 0.26, 3.3])]]);
  for (const mode of ['default', 'faithful'] as const) {
    const executor = await openOrtNode(bytes, { mode });
    const y = (await executor.run(x)).get('y')!;
    expect([...(y.data() as Float32Array)]).toEqual([0, 0, 0.5, 3.5]);
    await executor.release();
  }
});
