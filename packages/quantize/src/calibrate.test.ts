import { DenseTensor, int64Tensor, quantGrid, rangeToQParams } from '@bitwright/core';
import { hasQParams, lint, qparamsOf } from '@bitwright/graph';
import { expect, it } from 'vitest';
import { FakeRuntime, type FakeTensor, fakeData } from '../test/fake-runtime.js';
import { type Choices, outline, preparedModel } from '../test/prepared-model.js';
import { applyRanges, type Calibration, calibrate } from './calibrate.js';
import { findObserver, OBSERVERS } from './observers/registry.js';
import type { PreparedModel } from './prepare.js';
import { formatRanges, parseRanges } from './ranges.js';

const W = 'float[2,2] w = {1,2,3,4}';
const CHAIN = `g (float[N,2] x) => (float[N,2] y) <${W}> { h = MatMul(x, w) r = Relu(h) y = MatMul(r, w) }`;
/** Any numbers that differ from sample to sample and from tensor to tensor. */
const wave =
  (frequency: number, size = 2): FakeTensor =>
  (sample) =>
    Array.from({ length: size }, (_, i) => Math.fround(Math.sin((sample * size + i + 1) * frequency)));
const CHAIN_TENSORS = { x: wave(1.1), r: wave(2.3), y_float: wave(0.7) };

interface Run {
  readonly tensors?: Readonly<Record<string, FakeTensor>>;
  readonly samples?: number;
  readonly memory?: number;
  readonly observer?: string;
}

async function run(
  prepared: PreparedModel,
  { tensors = CHAIN_TENSORS, samples = 40, memory = 1e9, observer = 'min-max' }: Run = {},
) {
  const runtime = new FakeRuntime(tensors);
  const calibration = await calibrate(prepared, {
    open: runtime.open,
    data: fakeData(samples),
    observer: findObserver(observer),
    memory,
  });
  return { runtime, calibration };
}

/** What the quantizers were given, by the tensor that each puts on a grid. */
function qparamsByTensor({ groups }: PreparedModel) {
  return Object.fromEntries(
    groups.flatMap(({ quantizers }) =>
      quantizers.map((node) => {
        const { bits, signed, scale, zeroPoint } = qparamsOf(node);
        return [
          node.attributes.string('tensor', ''),
          { bits, signed, scale: scale[0], zeroPoint: zeroPoint[0] },
        ];
      }),
    ),
  );
}

const extremes = (tensor: FakeTensor, samples: number): [number, number] => {
  const values = Array.from({ length: samples }, (_, i) => Array.from(tensor(i) as ArrayLike<number>)).flat();
  return [Math.min(...values), Math.max(...values)];
};

it('gives each quantizer the parameters of the range that was observed', async () => {
  const prepared = preparedModel(CHAIN, { bits: 'W4A5' });
  const { calibration, runtime } = await run(prepared);
  const given = qparamsByTensor(prepared);
  for (const [tensor, observed] of [
    ['x', 'x'],
    ['r', 'r'],
    ['y', 'y_float'],
  ] as const) {
    const [min, max] = extremes(CHAIN_TENSORS[observed], 40);
    const expected = rangeToQParams(min, max, quantGrid(5, false), { symmetric: false });
    expect(given[tensor]).toEqual({ bits: 5, signed: false, ...expected });
    expect(calibration.ranges.tensors[tensor]).toEqual({
      min,
      max,
      low: min,
      high: max,
      ...expected,
      ...quantGrid(5, false),
    });
  }
  expect(calibration).toMatchObject({
    samples: 40,
    diagnostics: [],
    ranges: { observer: 'min-max', samples: 40 },
  });
  expect(runtime.released).toBe(1);
  lint(prepared.module, 'calibrate');
});

it('observes the float model, and leaves the prepared one alone', async () => {
  const prepared = preparedModel(CHAIN);
  const results = (): string[] => outline(prepared.module).map((line) => line.replace(/\(.*/, ''));
  const before = results();
  const { runtime } = await run(prepared);
  expect(runtime.opened).toEqual([['x', 'r', 'y_float']]);
  expect(results()).toEqual(before);
});

it('gives all quantizers of a shared grid the same parameters, from one tensor', async () => {
  const prepared = preparedModel(
    `g (float[N,2] x) => (float[M] z) <${W}, int64[1] s = {-1}> { h = MatMul(x, w) t = Transpose(h) z = Reshape(t, s) }`,
  );
  const { runtime } = await run(prepared, { tensors: { x: wave(1), h: wave(2) } });
  expect(runtime.opened).toEqual([['x', 'h']]);
  const { h, t, z } = qparamsByTensor(prepared);
  expect(t).toEqual(h);
  expect(z).toEqual(h);
});

it.each(OBSERVERS.map(({ name }) => name))('does not depend on batches or passes: %s', async (observer) => {
  const results: Calibration[] = [];
  for (const memory of [1e9, 1000, 200, 24]) {
    results.push((await run(preparedModel(CHAIN), { observer, memory })).calibration);
  }
  for (const other of results.slice(1)) expect(other).toEqual(results[0]);
});

it('shrinks the batch first, then fetches tensors in groups', async () => {
  // 8 bytes of each of the three tensors for each sample
  const { runtime: roomy } = await run(preparedModel(CHAIN));
  expect(roomy.runs.slice(1).every(({ fetches }) => fetches.length === 3)).toBe(true);
  const { runtime: smaller } = await run(preparedModel(CHAIN), { memory: 24 * 8 * 3 });
  expect(new Set(smaller.runs.slice(1).map(({ samples }) => samples))).toEqual(new Set([3, 1]));
  expect(smaller.runs.slice(1).every(({ fetches }) => fetches.length === 3)).toBe(true);
  const { runtime: tiny } = await run(preparedModel(CHAIN), { memory: 40, samples: 5 });
  const passes = tiny.runs.slice(1).map(({ fetches }) => fetches.join());
  expect(passes).toEqual([...Array(5).fill('x,r'), ...Array(5).fill('y_float')]);
  expect(tiny.runs.slice(1).every(({ bytes }) => bytes <= 20)).toBe(true);
});

it('holds a tensor that is larger than the memory by itself', async () => {
  const tensors = { ...CHAIN_TENSORS, r: wave(2.3, 1000) };
  const { runtime } = await run(preparedModel(CHAIN), { memory: 40, samples: 2, tensors });
  const passes = runtime.runs.slice(1).map(({ fetches }) => fetches.join());
  expect(passes).toEqual(['x', 'x', 'r', 'r', 'y_float', 'y_float']);
});

it('averages the range of each sample with weight 0.01', async () => {
  const prepared = preparedModel('g (float[N,2] x) => (y) { y = Relu(x) }');
  const rows = [
    [-1, 2],
    [3, -4],
    [0.5, 0.25],
  ];
  const tensors = { x: (sample: number) => rows[sample]!, y_float: () => [1, 0] };
  const { calibration } = await run(prepared, { tensors, samples: 3, observer: 'moving-average' });
  const min = (-1 + 0.01 * (-4 - -1)) * 0.99 + 0.01 * 0.25;
  const max = (2 + 0.01 * (3 - 2)) * 0.99 + 0.01 * 0.5;
  expect(calibration.ranges.tensors['x']!.low).toBeCloseTo(min, 12);
  expect(calibration.ranges.tensors['x']!.high).toBeCloseTo(max, 12);
  expect(calibration.ranges.tensors['x']).toMatchObject({ min: -4, max: 3 });
});

it('averages a tensor that does not grow with the batch as a whole', async () => {
  const prepared = preparedModel('g (float[N,2] x) => (y) { y = Relu(x) }');
  const y = new DenseTensor('float', [3], Float32Array.of(-1, 0, 2));
  const { calibration } = await run(prepared, {
    tensors: { x: wave(1), y_float: () => y },
    observer: 'moving-average',
  });
  expect(calibration.ranges.tensors['y']).toMatchObject({ low: -1, high: 2 });
});

it('takes the quantizers of a tensor out that turns out not to be float', async () => {
  const prepared = preparedModel(
    'g (x) => (y) { c = com.example.Any(x) d = Concat<axis=0>(c, c) y = Concat<axis=0>(d, x) }',
  );
  expect(outline(prepared.module).filter((line) => line.includes('FakeQuantize'))).toHaveLength(3);
  const ids = () => int64Tensor([1, 2, 3]);
  const { calibration } = await run(prepared, { tensors: { x: wave(1), c: ids, d: ids, y_float: wave(2) } });
  expect(calibration.diagnostics.map(({ code, at }) => [code, at.value])).toEqual([
    ['QUANTIZER_NOT_FLOAT', 'c'],
    ['QUANTIZER_NOT_FLOAT', 'd'],
  ]);
  expect(Object.keys(calibration.ranges.tensors)).toEqual(['x', 'y']);
  expect(outline(prepared.module)).toContain('d = Concat(c, c)');
  lint(prepared.module, 'calibrate');
});

it('warns of a tensor that was always zero, and gives it the scale 1', async () => {
  const prepared = preparedModel(CHAIN);
  const { calibration } = await run(prepared, { tensors: { ...CHAIN_TENSORS, r: () => [0, -0] } });
  expect(calibration.diagnostics).toEqual([
    expect.objectContaining({ code: 'CALIBRATION_ALL_ZERO', severity: 'warning', at: { value: 'r' } }),
  ]);
  expect(qparamsByTensor(prepared)['r']).toEqual({ bits: 4, signed: false, scale: 1, zeroPoint: 0 });
});

it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
  'names the tensor that held %d',
  async (bad) => {
    const tensors = { ...CHAIN_TENSORS, r: (sample: number) => [sample === 17 ? bad : 1, 0] };
    await expect(run(preparedModel(CHAIN), { tensors })).rejects.toThrow(
      expect.objectContaining({ code: 'CALIBRATION_NOT_FINITE', at: { value: 'r' } }),
    );
  },
);

it('demands samples', async () => {
  const runtime = new FakeRuntime(CHAIN_TENSORS);
  const options = { open: runtime.open, data: fakeData(0), observer: OBSERVERS[0]!, memory: 1e9 };
  await expect(calibrate(preparedModel(CHAIN), options)).rejects.toThrow(
    expect.objectContaining({ code: 'CALIBRATION_NO_SAMPLES', at: { file: 'card.json' } }),
  );
  expect(runtime.released).toBe(1);
});

it('releases the executor when a run fails, and stops when asked to', async () => {
  const failing = new FakeRuntime({
    ...CHAIN_TENSORS,
    r: () => {
      throw new Error('out of memory');
    },
  });
  const options = { data: fakeData(3), observer: OBSERVERS[0]!, memory: 1e9 };
  await expect(calibrate(preparedModel(CHAIN), { ...options, open: failing.open })).rejects.toThrow(
    'out of memory',
  );
  expect(failing.released).toBe(1);
  const stopped = new FakeRuntime(CHAIN_TENSORS);
  const signal = AbortSignal.abort(new Error('stop'));
  await expect(calibrate(preparedModel(CHAIN), { ...options, open: stopped.open, signal })).rejects.toThrow(
    'stop',
  );
  expect(stopped.released).toBe(1);
});

it('tells how far it is', async () => {
  const runtime = new FakeRuntime(CHAIN_TENSORS);
  const steps: [number, number | undefined][] = [];
  await calibrate(preparedModel(CHAIN), {
    open: runtime.open,
    data: fakeData(4),
    observer: OBSERVERS[0]!,
    memory: 40,
    onProgress: (done, total) => void steps.push([done, total]),
  });
  expect(steps[0]).toEqual([1, 8]);
  expect(steps.at(-1)).toEqual([8, 8]);
});

it('takes constants from the model and fixed ranges from the table, without running', async () => {
  const prepared = preparedModel(
    'g (float[N,2] x) => (y) <float[2] k = {-1,3}> { a = Add(x, k) y = Sigmoid(a) }',
    {
      bits: 'W4A8',
    },
  );
  const { runtime } = await run(prepared, { tensors: { x: wave(1), a: wave(2) } });
  expect(runtime.opened).toEqual([['x', 'a']]);
  const given = qparamsByTensor(prepared);
  expect(given['k']).toMatchObject(rangeToQParams(-1, 3, quantGrid(8, false), { symmetric: false }));
  expect(given['y']).toEqual({ bits: 8, signed: false, scale: 1 / 256, zeroPoint: 0 });
});

it('makes grids signed and symmetric where they are asked to be and have two sides', async () => {
  const prepared = preparedModel(CHAIN, { config: { symmetricActivations: true } });
  await run(prepared, { tensors: { x: () => [-1, 0.5], r: () => [0, 3], y_float: () => [-1, -2] } });
  expect(qparamsByTensor(prepared)).toEqual({
    x: { bits: 4, signed: true, scale: Math.fround(1 / 7.5), zeroPoint: 0 },
    r: { bits: 4, signed: false, scale: Math.fround(3 / 15), zeroPoint: 0 },
    y: { bits: 4, signed: true, scale: Math.fround(2 / 7.5), zeroPoint: 0 },
  });
});

const SIGMOID = `g (float[N,2] x) => (y) <${W}> { h = MatMul(x, w) y = Sigmoid(h) }`;
const SIGMOID_TENSORS = { x: () => [0, 0], h: wave(2.3) };
const calibrated = async (choices: Choices) => {
  const prepared = preparedModel(SIGMOID, choices);
  return { prepared, ...(await run(prepared, { tensors: SIGMOID_TENSORS })) };
};

it('saved ranges give what calibration gave', async () => {
  const { prepared, calibration } = await calibrated({});
  const again = preparedModel(SIGMOID);
  applyRanges(again, parseRanges(formatRanges(calibration.ranges), 'saved.json'));
  expect(qparamsByTensor(again)).toEqual(qparamsByTensor(prepared));
});

it.each([{ bits: 'W4A8' }, { config: { powerOfTwo: true } }, { config: { symmetricActivations: true } }])(
  'saved ranges serve other grids as a calibration for them would: %o',
  async (choices) => {
    const saved = (await calibrated({})).calibration.ranges;
    const { prepared } = await calibrated(choices);
    const again = preparedModel(SIGMOID, choices);
    applyRanges(again, saved);
    expect(qparamsByTensor(again)).toEqual(qparamsByTensor(prepared));
  },
);

it('names the tensor that saved ranges lack', () => {
  const prepared = preparedModel(CHAIN);
  expect(() => applyRanges(prepared, { observer: 'mse', samples: 1, tensors: {} })).toThrow(
    expect.objectContaining({ code: 'RANGES_MISSING', at: { value: 'x' } }),
  );
  expect(prepared.groups.some(({ quantizers }) => quantizers.some(hasQParams))).toBe(false);
});
