import { seededRandom } from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import { constantTensor, isQuantizer, printModule, QuantizedTensor, qparamsOf } from '@bitwright/graph';
import { openOrtNode } from '@bitwright/runtime';
import { expect, it } from 'vitest';
import { type Choices, preparedModel } from '../../test/prepared-model.js';
import { sampleData } from '../../test/sample-data.js';
import { openSpillFile } from '../node/spill-file.js';
import { mseObserver } from '../observers/mse.js';
import type { PreparedModel } from '../prepare.js';
import { RECIPES } from '../recipes.js';
import { quantizeSequentially } from './sequential-pass.js';

const BALANCED = RECIPES.find(({ name }) => name === 'balanced')!;

/** A residual block with a depthwise layer, pooling and a linear layer: every kind of cut. */
const NET = `g (float[N,3,8,8] x) => (float[N,5] y)
  <float[6,3,3,3] w1 = {${numbers(162, 1)}}, float[6] b1 = {${numbers(6, 2)}}, float[6,1,3,3] w2 = {${numbers(54, 3)}}, float[6] b2 = {${numbers(6, 4)}},
   float[6,6,1,1] w3 = {${numbers(36, 5)}}, float[6] b3 = {${numbers(6, 6)}}, float[5,6] w4 = {${numbers(30, 7)}}, float[5] b4 = {${numbers(5, 8)}}>
  { c1 = Conv<pads=[1,1,1,1]>(x, w1, b1)
    r1 = Relu(c1)
    c2 = Conv<group=6, pads=[1,1,1,1]>(r1, w2, b2)
    r2 = Relu(c2)
    c3 = Conv(r2, w3, b3)
    a = Add(c3, r1)
    r3 = Relu(a)
    p = GlobalAveragePool(r3)
    f = Flatten(p)
    y = Gemm<transB=1>(f, w4, b4) }`;

function numbers(count: number, seed: number): string {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => (random() - 0.5).toFixed(4)).join(',');
}

function samples(count: number, value?: (sample: number, at: number) => number): SampleSource {
  return sampleData(count, [3, 8, 8], (first, length) => {
    const random = seededRandom(first + 1);
    return Float32Array.from({ length }, (_, at) =>
      value === undefined ? random() * 2 - 1 : value(first, at),
    );
  });
}

async function quantized(
  data: SampleSource,
  choices: Choices & { body?: string; memory?: number; threads?: number } = {},
) {
  const { body = NET, memory = 2 ** 30, threads, ...rest } = choices;
  const prepared = preparedModel(body, { bits: 'W3A4', ...rest });
  const calibration = await quantizeSequentially(prepared, {
    open: (bytes, options) => openOrtNode(bytes, { ...(threads && { threads }), ...options }),
    openSpill: openSpillFile,
    data,
    observer: mseObserver,
    weightSearch: 'mse',
    recipe: BALANCED,
    memory,
  });
  return { prepared, calibration };
}

/** Everything that was decided: each quantizer's parameters, and codes where it has a constant. */
function decisions({ module }: PreparedModel): Record<string, unknown> {
  const quantizers = [...module.graph.ops()].filter(isQuantizer);
  return Object.fromEntries(
    quantizers.map((node) => {
      const { scale, zeroPoint } = qparamsOf(node);
      const tensor = constantTensor(node.inputs[0]);
      return [
        node.output.name,
        [[...scale], [...zeroPoint], tensor instanceof QuantizedTensor && [...tensor.codes]],
      ];
    }),
  );
}

function expectFinite({ module }: PreparedModel): void {
  for (const node of module.graph.ops()) {
    if (!isQuantizer(node)) continue;
    for (const scale of qparamsOf(node).scale) expect(Number.isFinite(scale) && scale > 0).toBe(true);
  }
}

it.each(['integer-only', 'academic', 'onnxruntime-cpu'])('decides everything in %s', async (backend) => {
  const { prepared, calibration } = await quantized(samples(40), { backend });
  expectFinite(prepared);
  expect(calibration.samples).toBe(40);
  expect(Object.keys(calibration.ranges.tensors).sort()).toEqual(
    prepared.groups.map(({ tensor }) => tensor).sort(),
  );
  for (const { weightQuantizer } of prepared.layers)
    if (weightQuantizer !== undefined)
      expect(constantTensor(weightQuantizer.inputs[0])).toBeInstanceOf(QuantizedTensor);
});

it('decides the same to the last bit in little memory, whatever number of threads the machine would take', async () => {
  const whole = decisions((await quantized(samples(100), { threads: 1 })).prepared);
  expect(decisions((await quantized(samples(100), { threads: 3 })).prepared)).toEqual(whole);
  expect(decisions((await quantized(samples(100), { memory: 2 ** 12 })).prepared)).toEqual(whole);
});

it('leaves the float network as it was: the same model can be quantized again', async () => {
  const { prepared } = await quantized(samples(8));
  const before = printModule(preparedModel(NET).module);
  expect(printModule(preparedModel(NET).module)).toBe(before);
  expect(decisions((await quantized(samples(8))).prepared)).toEqual(decisions(prepared));
});

it.each<readonly [string, SampleSource]>([
  ['one sample', samples(1)],
  ['constant samples', samples(5, () => 0.25)],
  ['samples that are all zero', samples(5, () => 0)],
])('%s give a model without NaN', async (_, data) => {
  expectFinite((await quantized(data)).prepared);
});

it('says which layer the data tell nothing of', async () => {
  const { calibration } = await quantized(
    samples(5, () => 0),
    {
      body: `g (float[N,3,8,8] x) => (float[N,2,8,8] y) <float[2,3,1,1] w = {1,2,3,4,5,6}, float[2] b = {0,0}> { y = Conv(x, w, b) }`,
    },
  );
  expect(calibration.diagnostics.map(({ code }) => code)).toContain('ROUNDING_WITHOUT_DATA');
});

it('names the tensor that is not finite', async () => {
  await expect(quantized(samples(3, (_, at) => (at === 5 ? Number.NaN : 1)))).rejects.toMatchObject({
    code: 'CALIBRATION_NOT_FINITE',
    at: { value: 'x' },
  });
});

it('refuses data without samples', async () => {
  await expect(quantized(samples(0))).rejects.toMatchObject({ code: 'CALIBRATION_NO_SAMPLES' });
});

it('rounds a layer that sees no value at all, and leaves bodies alone', async () => {
  const { prepared } = await quantized(samples(4), {
    body: `g (float[N,3,8,8] x) => (float z, float y)
      <float[2,3,1,1] w = {1,2,3,4,5,6}, int64[1] none = {0}, int64[1] axis = {0}, int64[1] zero = {0}>
      { e = Slice(x, zero, none, axis)
        z = Conv(e, w)
        y = Conv(x, w) }`,
  });
  expectFinite(prepared);
});

it('uses saved ranges instead of observing', async () => {
  const first = await quantized(samples(20));
  const prepared = preparedModel(NET, { bits: 'W3A4' });
  await quantizeSequentially(prepared, {
    open: openOrtNode,
    openSpill: openSpillFile,
    data: samples(20),
    observer: mseObserver,
    ranges: first.calibration.ranges,
    weightSearch: 'mse',
    recipe: BALANCED,
    memory: 2 ** 30,
  });
  expect(decisions(prepared)).toEqual(decisions(first.prepared));
});
