import { type BackendTable, type BackendTableEntry, resolveBackend } from '@bitwright/backends';
import { DenseTensor } from '@bitwright/core';
import { lint, quantSpecOf } from '@bitwright/graph';
import { expect, it } from 'vitest';
import { type Choices, model, outline, producerOf, resolverOf } from '../test/prepared-model.js';
import { chooseRange, keepsScale } from './activation-range.js';
import { GrowingStatistics } from './growing-statistics.js';
import { groupStatistics } from './observe.js';
import { minMaxObserver } from './observers/min-max.js';
import { type ObserverGroup, type PreparedModel, prepare } from './prepare.js';

const W = 'float[2,2,1,1] w = {1,2,3,4}';
const V = 'float[2,2,1,1] v = {5,6,7,8}';
const X = 'float[1,2,4,4] x';
const eight = { bits: [8] };
const layer = {
  input: eight,
  weight: { bits: [8], perChannel: true },
  bias: ['int32'],
  output: eight,
} as const;

function preparedBy(
  body: string,
  entries: readonly BackendTableEntry[],
  choices: Choices = {},
): PreparedModel {
  const table: BackendTable = { name: 'own', description: 'Own.', entries };
  const module = model(body);
  const backend = resolveBackend(table, () => table);
  const prepared = prepare(module, backend, resolverOf({ bits: '8', ...choices }));
  lint(module, 'prepare');
  return prepared;
}

/** The range that a group gets where its first root held `values`, and the others the next lists. */
function rangeOf(group: ObserverGroup, ...values: readonly (readonly number[])[]) {
  const tensors = new Map(
    group.roots.map((root, index) => {
      const statistics = new GrowingStatistics();
      statistics.add(
        new DenseTensor('float', [values[index]!.length], Float32Array.from(values[index]!)),
        1,
        'moving-range',
      );
      return [root.name, statistics];
    }),
  );
  const diagnostics: { code: string }[] = [];
  const found = chooseRange(group, groupStatistics(group, tensors), minMaxObserver, diagnostics as never);
  return { ...found, told: diagnostics.map(({ code }) => code) };
}

const single = (constraints: object) =>
  preparedBy('g (float[4] x) => (y) { y = Relu(x) }', [
    { pattern: ['Relu'], dtypes: [{ input: { ...eight, ...constraints }, output: eight }] },
  ]).groups[0]!;

it('symmetric grids have zero point 0, signed where they must or where values have two sides', () => {
  expect(rangeOf(single({ symmetric: true }), [-1, 3])).toMatchObject({ zeroPoint: 0, signed: true });
  expect(rangeOf(single({ symmetric: true }), [0, 3])).toMatchObject({ zeroPoint: 0, signed: false });
  expect(rangeOf(single({ symmetric: true, signed: true }), [0, 127.5])).toMatchObject({
    scale: 1,
    zeroPoint: 0,
    quantMin: -128,
  });
  expect(rangeOf(single({ symmetric: true, signed: false }), [-1, 1])).toMatchObject({
    zeroPoint: 128,
    signed: false,
  });
  expect(rangeOf(single({ signed: true }), [0, 255])).toMatchObject({ scale: 1, zeroPoint: -128 });
});

it('power-of-two scales and bounds of the scale are kept', () => {
  expect(rangeOf(single({ powerOfTwo: true }), [0, 300]).scale).toBe(2);
  expect(rangeOf(single({ scaleMinLowerBound: 0.5 }), [-1, 1])).toMatchObject({
    scale: 0.5,
    zeroPoint: 2,
    told: [],
  });
  const clipped = rangeOf(single({ scaleMaxUpperBound: 0.5 }), [-10, 245]);
  expect(clipped).toMatchObject({ scale: 0.5, zeroPoint: 20, told: ['SCALE_BOUND_CLIPS'] });
  expect(rangeOf(single({ powerOfTwo: true, scaleMinLowerBound: 0.3 }), [0, 1]).scale).toBe(0.5);
});

it('knows which scales no later step may change', () => {
  for (const held of [{ powerOfTwo: true }, { scaleMinLowerBound: 0.1 }, { scaleMaxUpperBound: 1 }])
    expect(keepsScale(single(held))).toBe(true);
  for (const free of [{}, { symmetric: true }, { signed: true }])
    expect(keepsScale(single(free))).toBe(false);
});

it('bounds of the codes are kept', () => {
  expect(rangeOf(single({ quantMaxUpperBound: 127 }), [0, 127])).toMatchObject({ quantMax: 127, scale: 1 });
});

it.each([
  [[0, 1], {}, 1 / 256, 0],
  [[0, 1], { signed: true }, 1 / 256, -128],
  [[-1, 1], {}, 1 / 128, 128],
  [[-1, 1], { symmetric: true }, 1 / 128, 0],
] as const)('a fixed range %j %j does not look at the data', (fixedRange, more, scale, zeroPoint) => {
  const { groups } = preparedBy('g (float[4] x) => (y) { y = Tanh(x) }', [
    { pattern: ['Tanh'], dtypes: [{ input: eight, output: { ...eight, fixedRange, ...more } }] },
  ]);
  expect(rangeOf(groups[1]!, [-50, 50])).toMatchObject({ scale, zeroPoint });
});

it('operands that must be on one grid are observed together', () => {
  const body = `g (${X}) => (y) <${W}, ${V}> { a = Conv(x, w) b = Conv(x, v) y = Concat<axis=1>(a, b) }`;
  const conv: BackendTableEntry = { pattern: ['Conv'], dtypes: [layer] };
  const concat: BackendTableEntry = { pattern: ['Concat'], dtypes: [{ input: eight, output: eight }] };
  const apart = preparedBy(body, [conv, concat]);
  expect(apart.groups.map(({ tensor, roots }) => [tensor, roots.length])).toEqual([
    ['x', 1],
    ['a', 1],
    ['b', 1],
    ['y', 1],
  ]);
  const inputs = preparedBy(body, [conv, { ...concat, sameScale: 'inputs' }]);
  expect(inputs.groups.map(({ quantizers }) => quantizers.length)).toEqual([1, 2, 1]);
  expect(inputs.groups[1]!.roots.map(({ name }) => name)).toEqual(['a', 'b']);
  const all = preparedBy(body, [conv, { ...concat, sameScale: 'inputs-and-output' }]);
  expect(all.groups.map(({ quantizers }) => quantizers.length)).toEqual([1, 3]);
  expect(all.diagnostics).toEqual([]);
  const range = rangeOf(all.groups[1]!, [-1, 2], [0, 254], [0]);
  expect(range).toMatchObject({ min: -1, max: 254, scale: 1, zeroPoint: 1 });
});

it('says what contradicts each other, with both sides, and quantizes again in between', () => {
  const body = `g (${X}) => (y) <${W}> { a = Conv(x, w) s = Sigmoid(a) y = Concat<axis=1>(a, s) }`;
  const { module, diagnostics, groups } = preparedBy(body, [
    { pattern: ['Conv'], dtypes: [layer] },
    { pattern: ['Sigmoid'], dtypes: [{ input: eight, output: { ...eight, fixedRange: [0, 1] } }] },
    { pattern: ['Concat'], dtypes: [{ input: eight, output: eight }], sameScale: 'inputs' },
  ]);
  expect(diagnostics).toMatchObject([
    {
      code: 'ANNOTATION_CONFLICT',
      message:
        "The table can't put 's' on one grid: 'a' demands a range from the data, 's' demands the fixed range 0 to 1.",
      at: { value: 's' },
    },
  ]);
  expect(outline(module)).toContain('s_quantized_1 = FakeQuantize(s_quantized)');
  expect(outline(module)).toContain('y_float = Concat(a_quantized, s_quantized_1)');
  expect(groups.map(({ roots }) => roots.map(({ name }) => name).join()).slice(0, 3)).toEqual([
    'x',
    'a,s',
    's',
  ]);
});

it('gives each reader the width that it takes, by quantizing again', () => {
  const body = `g (${X}) => (y) <${W}, ${V}> { a = Conv(x, w) y = Relu(a) }`;
  const { groups, diagnostics } = preparedBy(body, [
    { pattern: ['Conv'], dtypes: [{ ...layer, input: { bits: [8] }, output: { bits: [8], signed: true } }] },
    { pattern: ['Relu'], dtypes: [{ input: { bits: [8], signed: false } }] },
  ]);
  expect(diagnostics.map(({ code }) => code)).toEqual(['ANNOTATION_CONFLICT']);
  expect(groups.map(({ tensor, constraints }) => `${tensor} ${constraints.signed}`)).toEqual([
    'x undefined',
    'a true',
    'a false',
  ]);
});

it('quantizes the shortcut of a residual addition alone', () => {
  const add: BackendTableEntry = {
    pattern: ['Add'],
    dtypes: [{ input: eight }],
    quantizedInputs: 'residual',
  };
  const conv: BackendTableEntry = { pattern: ['Conv'], dtypes: [{ ...layer, output: undefined } as never] };
  const ends = (body: string) => {
    const { module, float } = preparedBy(body, [conv, add]);
    return [
      outline(module)
        .find((line) => line.includes(' Add('))
        ?.replace(/^.*Add/, ''),
      [...float.values()][0]?.code,
    ];
  };
  const block = (sum: string) =>
    `g (${X}) => (y) <${W}, ${V}> { r = Relu(x) a = Conv(r, w) b = Conv(r, v) ${sum} }`;
  expect(ends(block('y = Add(a, r)'))[0]).toBe('(a, r_quantized)');
  expect(ends(block('y = Add(r, b)'))[0]).toBe('(r_quantized, b)');
  expect(ends(block('y = Add(a, b)'))[0]).toBe('(a, b_quantized)');
  expect(ends(block('t = Relu(a) u = Relu(b) y = Add(t, u)'))[0]).toBe('(t_quantized, u_quantized)');
  const bias = `g (${X}) => (y) <${W}, float[1] k = {1}> { y = Add(x, k) }`;
  expect(ends(bias)).toEqual(['(x, k)', 'FLOAT_NOT_RESIDUAL']);
});

it('quantizes only the inputs that are named', () => {
  const { module } = preparedBy('g (float[4] x, float[4] z) => (y) { y = Mul(x, z) }', [
    { pattern: ['Mul'], dtypes: [{ input: eight }], quantizedInputs: [1] },
  ]);
  expect(outline(module)).toContain('y_float = Mul(x, z_quantized)');
});

it('observes neither input nor output where the table says so', () => {
  const { module } = preparedBy(`g (${X}) => (y) <${W}> { y = Conv(x, w) }`, [
    { pattern: ['Conv'], observation: 'INPUT_OUTPUT_NOT_OBSERVED', dtypes: [layer] },
  ]);
  expect(outline(module)).toContain('y_float = Conv(x, w_quantized)');
});

it('narrows weights and bias to what the table takes, and tells it', () => {
  const weight = {
    bits: [8],
    symmetric: true,
    signed: true,
    quantMinLowerBound: -127,
    carrier: 'int8',
  } as const;
  const body = `g (${X}) => (y) <${W}, float[2] b = {1,1}> { y = Conv(x, w, b) }`;
  const { module, layers, diagnostics } = preparedBy(
    body,
    [
      {
        pattern: ['Conv'],
        dtypes: [{ input: eight, weight: { ...weight, powerOfTwo: true }, bias: ['int8'] }],
      },
    ],
    { config: { symmetricWeights: false } },
  );
  expect(layers[0]!.config).toMatchObject({
    perChannel: false,
    symmetricWeights: true,
    powerOfTwo: true,
    bias: 'int8',
  });
  expect(quantSpecOf(producerOf(module, 'w_quantized'))).toEqual({
    role: 'weight',
    bits: 8,
    signed: true,
    quantMin: -127,
    quantMax: 127,
    carrier: 'int8',
  });
  expect(quantSpecOf(producerOf(module, 'b_quantized')).bits).toBe(8);
  expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([
    "BACKEND_NARROWS Asked were weights per channel; the table 'own' takes one scale for all of them at 'y'.",
    "BACKEND_NARROWS Asked were affine weights; the table 'own' takes symmetric ones at 'y'.",
    "BACKEND_NARROWS Asked were any scale of the weights; the table 'own' takes powers of two at 'y'.",
    "BACKEND_NARROWS Asked were int32 bias; the table 'own' takes int8 bias at 'y'.",
  ]);
});

it('gives weights one scale where their channels are not on the axis of the table', () => {
  const axisOf = (channelAxis: number) =>
    quantSpecOf(
      producerOf(
        preparedBy('g (float[2,2] x) => (y) <float[2,2] w = {1,2,3,4}> { y = MatMul(x, w) }', [
          { pattern: ['MatMul'], dtypes: [{ ...layer, weight: { ...layer.weight, channelAxis } }] },
        ]).module,
        'w_quantized',
      ),
    ).axis;
  expect([axisOf(0), axisOf(1)]).toEqual([undefined, 1]);
});

it('takes the first combination that has the widths, and a shorter pattern where a longer one has not', () => {
  const body = `g (${X}) => (y) <${W}> { c = Conv(x, w) y = Relu(c) }`;
  const sixteen = { input: { bits: [16] }, weight: { bits: [8] }, output: { bits: [16] } };
  const entries: BackendTableEntry[] = [
    { pattern: ['Conv', 'Relu'], dtypes: [layer] },
    { pattern: ['Conv'], dtypes: [layer, sixteen] },
  ];
  const groupsAt = (bits: string) => {
    const { layers, float } = preparedBy(body, entries, { bits });
    return [layers.map(({ nodes }) => nodes.length), [...float.values()].map(({ code }) => code)];
  };
  expect(groupsAt('8')).toEqual([[2], []]);
  expect(groupsAt('W8A16')).toEqual([[1], ['FLOAT_NO_PATTERN']]);
  expect(groupsAt('W4A8')).toEqual([[], ['FLOAT_BITS', 'FLOAT_NO_PATTERN']]);
});

it('refuses a width for one tensor that the table does not take', () => {
  const { groups, diagnostics } = preparedBy(
    `g (${X}) => (y) <${W}> { y = Conv(x, w) }`,
    [{ pattern: ['Conv'], dtypes: [layer] }],
    { mapping: { tensors: { x: '4' } } },
  );
  expect(groups[0]!.config.activations).toBe(8);
  expect(diagnostics).toMatchObject([{ code: 'TENSOR_BITS_REFUSED', at: { value: 'x' } }]);
});

it('takes operators of other domains by their full name', () => {
  const { module } = preparedBy('g (float[4] x) => (y) { y = com.example.Gelu(x) }', [
    { pattern: ['com.example.Gelu'], dtypes: [{ input: eight, output: eight }] },
  ]);
  expect(outline(module)).toContain('y_float = Gelu(x_quantized)');
});
