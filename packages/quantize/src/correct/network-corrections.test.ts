import { DenseTensor, floatData, seededRandom } from '@bitwright/core';
import { emitBytes } from '@bitwright/emit';
import { constantTensor, type GraphModule, lint, parseModule } from '@bitwright/graph';
import { openOrtNode } from '@bitwright/runtime';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sampleData } from '../../test/sample-data.js';
import { absorbBias } from './absorb-bias.js';
import { measureChannels } from './channel-extremes.js';
import { ChannelMoments, type StatedMoments } from './channel-moments.js';
import { clipToRelu } from './clip-to-relu.js';
import type { ChannelKnowledge, NetworkCorrection } from './correction.js';

const SHAPE = [2, 2, 6, 6];

function inputs(seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: 144 }, () => random() - 0.5);
}

async function run(module: GraphModule, x = inputs(1)): Promise<Float32Array> {
  const executor = await openOrtNode(emitBytes(module), { threads: 1 });
  const y = floatData((await executor.run(new Map([['x', new DenseTensor('float', SHAPE, x)]]))).get('y')!);
  await executor.release();
  return y;
}

/** A network whose values have four dimensions, but for those named f and y. */
function net(body: string, constants: string): GraphModule {
  const module = parseModule(
    `<ir_version: 8, opset_import: ["": 17]> g (float[N,2,6,6] x) => (float y) <${constants}> { ${body} }`,
  );
  for (const node of module.graph.ops())
    if (!['f', 'y'].includes(node.output.name))
      node.output.type = { kind: 'tensor', dtype: 'float', shape: ['N', 'C', 'H', 'W'] };
  return module;
}

function correct(
  correction: NetworkCorrection,
  module: GraphModule,
  { stated = new Map(), measured = true }: { stated?: StatedMoments; measured?: boolean } = {},
) {
  const extremes: ChannelKnowledge['extremes'] = (values) =>
    measureChannels(module, values, {
      open: openOrtNode,
      data: sampleData(2, SHAPE.slice(1), () => inputs(1)),
    });
  return correction.correct(module, {
    moments: new ChannelMoments(module.graph, stated),
    extremes: measured ? extremes : undefined,
  });
}

function numbers(count: number, seed: number, scale = 1): string {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => ((random() - 0.5) * scale).toPrecision(6)).join(',');
}

/** Layers with high biases, and behind the Relu a dense and a depthwise layer, pools and a matrix product. */
function highBias(seed: number): GraphModule {
  return net(
    `c = Conv<pads=[1,1,1,1]>(x, w, b)  r = Relu(c)  m = MaxPool<kernel_shape=[2,2], strides=[2,2]>(r)
     d = Conv<group=4>(m, v, e)  s = Conv(m, u)  a = Add(d, s)  p = GlobalAveragePool(m)  q = Conv(p, u)
     t = Add(a, q)  k = GlobalAveragePool(t)  f = Flatten(k)  y = Gemm<transB=1>(f, g, h)`,
    `float[4,2,3,3] w = {${numbers(72, seed)}}, float[4] b = {3, 5, 0.1, -2}, float[4,1,1,1] v = {${numbers(4, seed + 1)}},
     float[4] e = {${numbers(4, seed + 2)}}, float[4,4,1,1] u = {${numbers(16, seed + 3)}}, float[3,4] g = {${numbers(12, seed + 4)}},
     float[3] h = {1,2,3}`,
  );
}

it('absorbs what channels always have, and leaves what the network gives', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(10000), async (seed) => {
      const module = highBias(seed);
      const before = await run(module);
      const [outcome] = await correct(absorbBias, module);
      lint(module, 'absorption');
      expect(outcome).toMatchObject({ correction: 'absorb-bias', node: 'r', applied: true });
      const after = await run(module);
      for (const [i, value] of after.entries()) expect(value).toBeCloseTo(before[i]!, 4);
      const biases = floatData(constantTensor([...module.graph.ops()][0]!.inputs[2])!);
      expect(biases[0]).toBeLessThan(3);
      expect(biases[3]).toBe(-2);
    }),
    { numRuns: 10 },
  );
});

it('takes what a batch normalization states before what data shows', async () => {
  const module = highBias(1);
  const stated = new Map([
    ['c', { mean: Float64Array.of(3, 4, 0, 0), deviation: Float64Array.of(0.5, 2, 1, 1) }],
  ]);
  await correct(absorbBias, module, { stated, measured: false });
  expect([...floatData(constantTensor([...module.graph.ops()][0]!.inputs[2])!)].slice(0, 2)).toEqual([
    1.5, 5,
  ]);
});

it('makes the input of a Relu smaller by the layer on one side of an addition', async () => {
  const module = net(
    'c = Conv(x, w, b) s = Conv(x, v) a = Add(s, c) r = Relu(a) k = GlobalAveragePool(r) f = Flatten(k) y = Gemm(f, g, h)',
    `float[2,2,1,1] w = {${numbers(4, 1)}}, float[2] b = {4, 6}, float[2,2,1,1] v = {${numbers(4, 2)}},
     float[2,3] g = {${numbers(6, 3)}}, float[3] h = {0,0,0}`,
  );
  const before = await run(module);
  const [outcome] = await correct(absorbBias, module);
  expect(outcome!.applied).toBe(true);
  for (const [i, value] of (await run(module)).entries()) expect(value).toBeCloseTo(before[i]!, 5);
});

const PLAIN = `float[2,2,1,1] w = {1,2,3,4}, float[2] b = {9,9}, float[2,2,3,3] v = {${numbers(36, 1)}}`;

it.each([
  ['y = Conv<pads=[1,1,1,1]>(r, v)', 'pads with zeros'],
  ['y = Conv<auto_pad="SAME_UPPER">(r, v)', 'pads with zeros'],
  ['p = AveragePool<kernel_shape=[2,2], pads=[1,1,1,1]>(r) y = Conv(p, w)', 'pads with zeros'],
  ['s = Sigmoid(r) y = Conv(s, w)', '(Sigmoid) reads it'],
  ['y = Identity(r)', "'y' is an output of the model"],
  ['a = Add(r, r) y = Conv(a, w)', 'reads it twice'],
  ['d = Conv(r, w) e = Add(c, d) y = Conv(e, w)', 'read elsewhere too'],
])('refuses to absorb where %s', async (body, reason) => {
  const module = net(`c = Conv(x, w, b) r = Relu(c) ${body}`, PLAIN);
  const [outcome] = await correct(absorbBias, module);
  expect(outcome).toMatchObject({ applied: false, detail: expect.stringContaining(reason) as string });
});

it('says so where nothing is known, and where nothing is high', async () => {
  const module = net('c = Conv(x, w, b) r = Relu(c) y = Conv(r, w)', PLAIN);
  expect((await correct(absorbBias, module, { measured: false }))[0]!.detail).toContain('no data');
  const low = net(
    'c = Conv(x, w) d = Conv(c, w, b) r = Relu(d) y = Conv(r, w)',
    PLAIN.replace('{9,9}', '{0,-1}'),
  );
  expect((await correct(absorbBias, low))[0]!.detail).toContain('comes down to zero');
});

it('replaces a ReLU6 whose bound is never reached, and only that', async () => {
  const module = net(
    'c = Conv(x, w) r = Clip(c, zero, six) d = Conv(r, w) s = Clip(d, zero, one) e = Conv(s, w) y = Clip(e, one, six)',
    'float[2,2,1,1] w = {1,2,3,4}, float zero = {0}, float one = {1}, float six = {6}',
  );
  const before = await run(module);
  const outcomes = await correct(clipToRelu, module);
  lint(module, 'replacement');
  expect(outcomes.map(({ applied }) => applied)).toEqual([true, false, false]);
  expect(outcomes[1]!.detail).toBe('2 of its 2 channels reach its bound');
  expect([...module.graph.ops()].map(({ opType }) => opType)).toEqual([
    'Conv',
    'Relu',
    'Conv',
    'Clip',
    'Conv',
    'Clip',
  ]);
  expect(await run(module)).toEqual(before);
});

it('names a value that is not finite', async () => {
  const module = net(
    'c = Conv(x, w) r = Clip(c, zero, six) y = Conv(r, w)',
    'float[2,2,1,1] w = {1,2,3,4}, float zero = {0}, float six = {6}',
  );
  const data = sampleData(2, SHAPE.slice(1), () => inputs(1).fill(Number.POSITIVE_INFINITY));
  const measured = measureChannels(module, [module.graph.findValue('c')!], { open: openOrtNode, data });
  await expect(measured).rejects.toMatchObject({ code: 'CALIBRATION_NOT_FINITE' });
});
