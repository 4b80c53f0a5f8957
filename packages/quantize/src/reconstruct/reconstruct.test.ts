import { DenseTensor, seededRandom } from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import { constantTensor, type QuantizedTensor, qparamsOf } from '@bitwright/graph';
import { openOrtNode } from '@bitwright/runtime';
import { expect, it } from 'vitest';
import { preparedModel } from '../../test/prepared-model.js';
import { calibrate } from '../calibrate.js';
import { convert } from '../convert.js';
import { setWeightCodes } from '../convert-layer.js';
import { findObserver } from '../observers/registry.js';
import type { PreparedModel } from '../prepare.js';
import { type FloatModel, rememberFloat } from './latent-weights.js';
import type { ReconstructionPlan } from './plan.js';
import { type BlockOutcome, type ReconstructOptions, reconstruct } from './reconstruct.js';

const random = seededRandom(3);
const floats = (count: number, size: number): string =>
  Array.from({ length: count }, () => ((random() * 2 - 1) * size).toFixed(4)).join(', ');
const layer = (name: string): string =>
  `float[6,6,3,3] w_${name} = {${floats(324, 0.25)}}, float[6] b_${name} = {${floats(6, 0.2)}}`;

/** A residual network of random weights; `middle` stands on the way. */
const network = (middle = 'm = Relu(a)'): string => `g (float[N,6,6,6] x) => (float[N,4] y)
  <${['a', 'b', 'c'].map(layer).join(', ')}, float[4,6] w_y = {${floats(24, 0.5)}}, float[4] b_y = {${floats(4, 0.1)}}> {
    a = Conv<pads=[1,1,1,1]>(x, w_a, b_a) ${middle}
    b = Conv<pads=[1,1,1,1]>(m, w_b, b_b) rb = Relu(b)
    c = Conv<pads=[1,1,1,1]>(rb, w_c, b_c) s = Add(c, m) rs = Relu(s)
    p = GlobalAveragePool(rs) f = Flatten(p) y = Gemm<transB=1>(f, w_y, b_y) }`;
const TEXT = network();

const SAMPLES = 48;
const PIXELS = Float32Array.from({ length: SAMPLES * 216 }, () => random() * 2 - 1);
/** The samples in batches of a size of the source's own, or of the one that is asked for. */
const source = (own?: number): SampleSource => ({
  name: 'samples',
  count: SAMPLES,
  hasLabels: false,
  synthetic: false,
  diagnostics: [],
  async *batches(asked) {
    const most = own ?? asked;
    for (let first = 0; first < SAMPLES; first += most) {
      const size = Math.min(most, SAMPLES - first);
      const x = new DenseTensor('float', [size, 6, 6, 6], PIXELS.subarray(first * 216, (first + size) * 216));
      yield { inputs: new Map([['x', x]]), labels: [], size, first };
    }
  },
});

const RATES = { weight: 5e-3, 'weight-scale': 3e-3, bias: 3e-3, step: 3e-3 };
const plan = (steps: number): ReconstructionPlan => ({
  steps,
  quantizedShare: 0.5,
  mixedUpTo: 0.15,
  rates: RATES,
});

async function quantized(
  text: string,
  bits: string,
): Promise<{ prepared: PreparedModel; float: FloatModel }> {
  const prepared = preparedModel(text, { backend: 'integer-only', bits });
  const float = rememberFloat(prepared);
  const options = { open: openOrtNode, data: source(), memory: 2 ** 28 };
  await calibrate(prepared, { ...options, observer: findObserver('mse') });
  convert(prepared, { weightSearch: 'mse' });
  return { prepared, float };
}

const options = (steps: number): ReconstructOptions => ({
  open: openOrtNode,
  data: source(),
  plan: plan(steps),
  memory: 2 ** 28,
  seed: 5,
  decisions: false,
});

/** Every code, scale and bias of a network. */
function state({ layers, groups }: PreparedModel): unknown {
  return [
    layers.map(({ weightQuantizer, biasQuantizer }) => {
      const weights = weightQuantizer && (constantTensor(weightQuantizer.inputs[0]) as QuantizedTensor);
      const bias = biasQuantizer && (constantTensor(biasQuantizer.inputs[0]) as DenseTensor);
      return [weights?.codes, weights?.qparams.scale, bias?.data()];
    }),
    groups.map(({ quantizers }) => quantizers.map((node) => qparamsOf(node).scale)),
  ];
}

it('brings every block nearer to the float network, keeps codes on their grids, and does the same again', async () => {
  const runs = [];
  for (const batch of [32, 7]) {
    const { prepared, float } = await quantized(TEXT, 'W2A4');
    const outcomes: BlockOutcome[] = [];
    await reconstruct(prepared, float, {
      ...options(60),
      data: source(batch),
      onBlock: (outcome) => void outcomes.push(outcome),
    });
    runs.push({ outcomes, state: state(prepared), prepared });
  }
  const [first, second] = runs;
  expect(first!.outcomes.map(({ block }) => block.layers.length)).toEqual([1, 2, 1]);
  const ratios = first!.outcomes.map(({ before, after }) => after / before);
  expect(Math.min(...ratios)).toBeLessThan(0.8);
  expect(ratios[1]).toBeLessThan(1);
  expect(second!.state).toEqual(first!.state);
  for (const { weightQuantizer } of first!.prepared.layers) {
    const codes = weightQuantizer && (constantTensor(weightQuantizer.inputs[0]) as QuantizedTensor).codes;
    expect(Math.min(...(codes ?? [0]))).toBeGreaterThanOrEqual(-2);
    expect(Math.max(...(codes ?? [0]))).toBeLessThanOrEqual(1);
  }
});

it('keeps what a block had when training does not help', async () => {
  const { prepared, float } = await quantized(TEXT, 'W4A4');
  const before = state(prepared);
  const wild = { weight: 5, 'weight-scale': 3, bias: 9, step: 3 };
  await reconstruct(prepared, float, { ...options(3), plan: { ...plan(3), rates: wild } });
  expect(state(prepared)).toEqual(before);
});

it('puts everything back when the network as a whole answers worse, whatever the errors of its blocks say', async () => {
  const { prepared, float } = await quantized(TEXT, 'W4A4');
  const before = state(prepared);
  const told = await reconstruct(prepared, float, {
    ...options(20),
    onBlock({ block: { layers } }) {
      const { weightQuantizer } = layers.at(-1)!;
      const { codes, qparams } = constantTensor(weightQuantizer!.inputs[0]) as QuantizedTensor;
      setWeightCodes(weightQuantizer!, new Int32Array(codes.length), qparams);
    },
  });
  expect(told).toMatchObject([{ code: 'RECONSTRUCT_LEFT', at: { value: 'y_float' } }]);
  expect(state(prepared)).toEqual(before);
});

it('leaves a block that has no gradient, says which, and goes on with the others', async () => {
  const { prepared, float } = await quantized(network('m = Erf(a)'), 'W2A4');
  const outcomes: string[] = [];
  const told = await reconstruct(prepared, float, {
    ...options(10),
    onBlock: ({ block }) => void outcomes.push(block.output.name),
  });
  expect(told.map(({ code, at }) => [code, at.value])).toEqual([['RECONSTRUCT_LEFT', 'rs']]);
  expect(outcomes).toHaveLength(2);
});

it('says when the memory is too small, counts its steps, and stops when asked to', async () => {
  const { prepared, float } = await quantized(TEXT, 'W4A4');
  const told = await reconstruct(prepared, float, { ...options(1), memory: 1000 });
  expect(told).toMatchObject([{ code: 'RECONSTRUCT_LEFT' }]);
  const steps: number[] = [];
  await reconstruct(prepared, float, { ...options(2), onProgress: (done) => void steps.push(done) });
  expect(steps.at(-1)).toBe(6);
  const controller = new AbortController();
  const stopped = reconstruct(prepared, float, {
    ...options(50),
    signal: controller.signal,
    onProgress: (done) => void (done === 3 && controller.abort(new Error('stop'))),
  });
  await expect(stopped).rejects.toThrow('stop');
});
