import { captureModel } from '@bitwright/capture';
import { DenseTensor, seededRandom } from '@bitwright/core';
import { detectDialect } from '@bitwright/dialects';
import { emitBytes } from '@bitwright/emit';
import { parseModule } from '@bitwright/graph';
import { openOrtNode } from '@bitwright/runtime';
import { emitNetwork, interpret, lowerNetwork } from '@bitwright/simulate';
import { quantize } from 'bitwright';
import { expect, test } from 'vitest';

const uniform = seededRandom(11);
const numbers = (length: number): number[] =>
  Array.from({ length }, () => Math.round(uniform() * 200 - 100) / 100);

interface Layer {
  readonly weights: readonly [number, number, number, number];
  readonly attributes: string;
}

function modelOf({ weights, attributes }: Layer, outputs: number): Uint8Array {
  const w = numbers(weights.reduce((product, dim) => product * dim, 1));
  const module = parseModule(`g (float[N,4,5,6] x) => (y) <
    float[${weights.join()}] w = {${w.join()}}, float[${outputs}] b = {${numbers(outputs).join()}}> {
      y = ConvTranspose ${attributes} (x, w, b)
    }`);
  module.opsets.set('', 17);
  module.irVersion = 8;
  return emitBytes(module);
}

const samples = Array.from({ length: 8 }, () => ({
  inputs: { x: new DenseTensor('float', [1, 4, 5, 6], Float32Array.from(numbers(120))) },
}));

test.each([
  [
    'stride 2, uneven padding, padding behind',
    { weights: [4, 3, 3, 3], attributes: '<strides = [2, 2], pads = [1, 0, 1, 1], output_padding = [1, 0]>' },
    3,
  ],
  ['two groups, stride 3 and 1', { weights: [4, 2, 2, 3], attributes: '<strides = [3, 1], group = 2>' }, 4],
  ['dilated', { weights: [4, 2, 3, 2], attributes: '<strides = [1, 2], dilations = [2, 3]>' }, 2],
] as const)(
  'a transposed convolution in integers gives what the quantized file gives: %s',
  async (_, layer, outputs) => {
    const { bytes } = await quantize(modelOf(layer, outputs), {
      ...{ bits: 'W8A8', method: 'fast', scheme: 'integer-only', data: samples },
      granularity: layer.attributes.includes('group') ? 'per-tensor' : 'per-channel',
    });
    const module = captureModel(bytes, { name: 'quantized' });
    detectDialect(module)!.lift(module);
    const network = lowerNetwork(module, { hardware: { name: 'exact' } });
    expect(network.float).toEqual([]);
    const emitted = emitNetwork(network, { observe: ['accumulators'] });
    const [file, integers] = [
      await openOrtNode(bytes, { threads: 1 }),
      await openOrtNode(emitted.bytes, { threads: 1 }),
    ];
    const [dot] = network.steps.filter((step) => step.kind === 'dot');
    const { grid } = dot!.result as Extract<NonNullable<typeof dot>['result'], { kind: 'codes' }>;
    let steps = 0;
    for (const { inputs } of samples) {
      const feeds = new Map([['x', inputs.x]]);
      const expected = (await file.run(feeds)).get('y')!;
      const results = await integers.run(feeds);
      const data = inputs.x.data() as Float32Array;
      const run = interpret(network, new Map([['x', { dims: inputs.x.dims, data }]]));
      const sums = results.get(emitted.observed.get(dot!.output)!.accumulators!)!;
      expect([...(sums.data() as Int32Array)]).toEqual([...run.accumulators.get(dot!.output)!.data]);
      const found = results.get('y')!;
      expect(found.dims).toEqual(expected.dims);
      const [a, b] = [found.data() as Float32Array, expected.data() as Float32Array];
      for (let i = 0; i < a.length; i++) {
        const off = Math.round(Math.abs(a[i]! - b[i]!) / grid.scale);
        expect(off).toBeLessThanOrEqual(1);
        steps += off;
      }
    }
    // floats are rounded on the way, which moves a code over an edge now and then
    expect(steps).toBeLessThan(20);
    await file.release();
    await integers.release();
  },
);
