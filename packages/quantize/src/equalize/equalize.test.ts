import { DenseTensor, floatData, seededRandom } from '@bitwright/core';
import { emitBytes } from '@bitwright/emit';
import { constantTensor, type GraphModule, type OpNode, parseModule } from '@bitwright/graph';
import { openOrtNode } from '@bitwright/runtime';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sampleData } from '../../test/sample-data.js';
import { measureChannels } from '../correct/channel-extremes.js';
import { channelSpaces } from './channel-spaces.js';
import { equalize } from './equalize.js';

/** A residual block with a depthwise layer behind a Relu; channels of very different sizes. */
function net(seed: number): GraphModule {
  const random = seededRandom(seed);
  const numbers = (count: number): string =>
    Array.from({ length: count }, () =>
      ((random() - 0.5) * 2 ** Math.round(random() * 12 - 6)).toPrecision(6),
    ).join(',');
  return parseModule(`<ir_version: 8, opset_import: ["": 17]> g (float[N,2,6,6] x) => (float y)
    <float[4,2,3,3] w1 = {${numbers(72)}}, float[4] b1 = {${numbers(4)}}, float[4,1,3,3] w2 = {${numbers(36)}}, float[4] b2 = {${numbers(4)}},
     float[4,4,1,1] w3 = {${numbers(16)}}, float[4] b3 = {${numbers(4)}}, float[3,4,1,1] w4 = {${numbers(12)}}>
    { c1 = Conv<pads=[1,1,1,1]>(x, w1, b1)  r1 = Relu(c1)
      c2 = Conv<group=4, pads=[1,1,1,1]>(r1, w2, b2)  r2 = LeakyRelu<alpha=0.25>(c2)
      c3 = Conv(r2, w3, b3)  a = Add(c3, r1)  r3 = Relu(a)  p = MaxPool<kernel_shape=[2,2]>(r3)
      y = Conv(p, w4) }`);
}

const INPUTS = ((random) => Float32Array.from({ length: 144 }, () => random() - 0.5))(seededRandom(1));

/** Extremes of values over the same inputs. */
function extremesOf(module: GraphModule, names: readonly string[]) {
  const values = names.map((name) => module.graph.findValue(name)!);
  for (const value of values) value.type = { kind: 'tensor', dtype: 'float', shape: ['N', 'C', 6, 6] };
  const data = sampleData(2, [2, 6, 6], () => INPUTS);
  return measureChannels(module, values, { open: openOrtNode, data });
}

async function run(module: GraphModule): Promise<Float32Array> {
  const executor = await openOrtNode(emitBytes(module), { threads: 1 });
  const x = new DenseTensor('float', [2, 2, 6, 6], INPUTS);
  const y = floatData((await executor.run(new Map([['x', x]]))).get('y')!);
  await executor.release();
  return y;
}

it('leaves what the float network gives as it was, to the last bit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(10000), async (seed) => {
      const module = net(seed);
      const before = await run(module);
      expect(equalize(module).layers.length).toBeGreaterThan(0);
      expect(await run(module)).toEqual(before);
    }),
    { numRuns: 15 },
  );
});

it('brings the largest weights of channels nearer to each other on both sides', () => {
  const module = net(3);
  const spread = (): number =>
    [...module.graph.ops()].filter((node) => node.is('Conv')).reduce((sum, node) => sum + spreadOf(node), 0);
  const before = spread();
  const { spaces } = equalize(module);
  expect(spaces).toBe(2);
  expect(spread()).toBeLessThan(before);
});

/** How many octaves lie between the largest and the smallest output channel. */
function spreadOf(node: OpNode): number {
  const tensor = constantTensor(node.inputs[1])!;
  const weights = floatData(tensor);
  const size = weights.length / tensor.dims[0]!;
  const peaks = Array.from({ length: tensor.dims[0]! }, (_, row) =>
    Math.max(...weights.subarray(row * size, (row + 1) * size).map(Math.abs)),
  );
  return Math.log2(Math.max(...peaks) / Math.min(...peaks));
}

it.each([
  ['a bounded Relu', 'c = Conv(x, w) r = Clip(c, zero, six) y = Conv(r, v)', 'the bounds of'],
  ['a sigmoid', 'c = Conv(x, w) r = Sigmoid(c) y = Conv(r, v)', '(Sigmoid) lets no factor'],
  ['an output of the model', 'y = Conv(x, w) z = Conv(y, v)', "'y' is an output of the model"],
  [
    'an addition with what is no layer',
    'c = Conv(x, w) s = Sigmoid(x) a = Add(c, s) y = Conv(a, v)',
    '(Sigmoid) lets no factor',
  ],
])('leaves channels alone at %s, and says why', (_, body, reason) => {
  const module = parseModule(`<ir_version: 8, opset_import: ["": 17]> g (float[N,2,4,4] x) => (float y)
    <float[2,2,1,1] w = {1,2,3,40}, float[2,2,1,1] v = {5,60,7,8}, float zero = {0}, float six = {6}> { ${body} }`);
  expect(channelSpaces(module.graph).spaces).toEqual([]);
  const { layers, outcomes } = equalize(module);
  expect(layers).toEqual([]);
  expect(outcomes.every(({ applied }) => !applied)).toBe(true);
  expect(outcomes[0]!.detail).toContain(reason);
});

it('leaves weights alone that two layers share', () => {
  const module = parseModule(`<ir_version: 8, opset_import: ["": 17]> g (float[N,2,4,4] x) => (float y)
    <float[2,2,1,1] w = {1,2,3,40}> { c = Conv(x, w) d = Conv(c, w) y = Conv(d, w) }`);
  expect(equalize(module).layers).toEqual([]);
});

/** Two layers around a Clip, the channels of the first of very different sizes. */
function clippedNet(seed: number, bounds: readonly [number, number]): GraphModule {
  const random = seededRandom(seed);
  const numbers = (count: number): string =>
    Array.from({ length: count }, () =>
      ((random() - 0.5) * 2 ** Math.round(random() * 10 - 4)).toPrecision(6),
    ).join(',');
  return parseModule(`<ir_version: 8, opset_import: ["": 17]> g (float[N,2,6,6] x) => (float y)
    <float[6,2,3,3] w1 = {${numbers(108)}}, float[6] b1 = {${numbers(6)}}, float[6,1,3,3] w2 = {${numbers(54)}},
     float[3,6,1,1] w3 = {${numbers(18)}}, float low = {${bounds[0]}}, float high = {${bounds[1]}}>
    { c1 = Conv<pads=[1,1,1,1]>(x, w1, b1)  r1 = Clip(c1, low, high)
      c2 = Conv<group=6, pads=[1,1,1,1]>(r1, w2)  r2 = Clip(c2, low, high)  y = Conv(r2, w3) }`);
}

it('passes a Clip with the channels that do not reach its bounds, to the last bit on the data', async () => {
  let rescaled = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(10000), fc.constantFrom([0, 6], [-1, 1], [0, 0.5]), async (seed, bounds) => {
      const module = clippedNet(seed, bounds as [number, number]);
      const before = await run(module);
      const extremes = await extremesOf(module, ['c1', 'c2']);
      rescaled += equalize(module, { extremes }).layers.length;
      expect(await run(module)).toEqual(before);
    }),
    { numRuns: 15 },
  );
  expect(rescaled).toBeGreaterThan(0);
});

it('leaves a channel as it is that reaches a bound', async () => {
  const module = parseModule(`<ir_version: 8, opset_import: ["": 17]> g (float[N,2,6,6] x) => (float y)
    <float[2,2,1,1] w = {9,9,0.01,0.01}, float[1,2,1,1] v = {0.01, 9}, float low = {0}, float high = {2}>
    { c1 = Conv(x, w) c2 = Clip(c1, low, high) y = Conv(c2, v) }`);
  equalize(module, { extremes: await extremesOf(module, ['c1']) });
  const weights = floatData(constantTensor([...module.graph.ops()][0]!.inputs[1])!);
  expect([...weights.subarray(0, 2)]).toEqual([9, 9]);
  expect(weights[2]).toBeGreaterThan(0.1);
});

it('leaves dead channels alone, and lets no bias become the largest', () => {
  const module = parseModule(`<ir_version: 8, opset_import: ["": 17]> g (float[N,1,4,4] x) => (float y)
    <float[3,1,1,1] w = {1, 1e-30, 0.01}, float[3] b = {0.5, 1, 0.75}, float[1,3,1,1] v = {1, 1, 8}, float one = {1}>
    { c = Conv(x, w, b) r = Relu(c) d = Conv(r, v) y = Sigmoid(d) }`);
  equalize(module);
  const biases = floatData(constantTensor([...module.graph.ops()][0]!.inputs[2])!);
  expect([...biases]).toEqual([0.5, 1, 0.75]);
});
