import { findBackend } from '@bitwright/backends';
import { printModule, quantSpecOf } from '@bitwright/graph';
import { expect, it } from 'vitest';
import { model, outline, preparedModel, producerOf, resolverOf } from '../test/prepared-model.js';
import { prepare } from './prepare.js';

const W = 'float[2,2,1,1] w = {1,2,3,4}';
const V = 'float[2,2,1,1] v = {5,6,7,8}';
const X = 'float[1,2,4,4] x';

it('puts a chain of convolution and Relu between quantizers', () => {
  const { module, groups } = preparedModel(
    `g (${X}) => (float[1,2,4,4] y) <${W}, float[2] b = {1,1}> { c = Conv(x, w, b) y = Relu(c) }`,
  );
  expect(outline(module)).toEqual([
    'x_quantized = QuantStub(x)',
    'w_quantized = FakeQuantize(w)',
    'b_quantized = FakeQuantize(b)',
    'c = Conv(x_quantized, w_quantized, b_quantized)',
    'y_float = Relu(c)',
    'y_quantized = FakeQuantize(y_float)',
    'y = DeQuantStub(y_quantized)',
  ]);
  expect(groups.map(({ tensor }) => tensor)).toEqual(['x', 'y']);
  expect(module.opsets.get('ai.bitwright')).toBe(1);
});

it('describes the grid of each quantizer', () => {
  const spec = (value: string, choices = {}) =>
    quantSpecOf(
      producerOf(
        preparedModel(`g (${X}) => (y) <${W}, float[2] b = {1,1}> { y = Conv(x, w, b) }`, {
          bits: 'W4A6',
          ...choices,
        }).module,
        value,
      ),
    );
  expect(spec('x_quantized')).toEqual({
    role: 'activation',
    bits: 6,
    signed: false,
    quantMin: 0,
    quantMax: 63,
  });
  expect(spec('w_quantized')).toEqual({
    role: 'weight',
    bits: 4,
    signed: true,
    quantMin: -8,
    quantMax: 7,
    axis: 0,
  });
  const int32 = {
    role: 'bias',
    bits: 32,
    signed: true,
    quantMin: -(2 ** 31),
    quantMax: 2 ** 31 - 1,
    axis: 0,
  };
  expect(spec('b_quantized')).toEqual(int32);
  const perTensor = { config: { perChannel: false } };
  expect(spec('w_quantized', perTensor)).toEqual({
    role: 'weight',
    bits: 4,
    signed: true,
    quantMin: -8,
    quantMax: 7,
  });
  expect(spec('b_quantized', perTensor).axis).toBeUndefined();
  expect(spec('b_quantized', { config: { bias: 'int8' } })).toMatchObject({ bits: 8, quantMin: -128 });
  expect(spec('w_quantized', { config: { reduceRange: true } })).toMatchObject({
    bits: 4,
    quantMin: -4,
    quantMax: 3,
  });
});

it('leaves the bias alone where it was asked to stay float', () => {
  const { module } = preparedModel(`g (${X}) => (y) <${W}, float[2] b = {1,1}> { y = Conv(x, w, b) }`, {
    config: { bias: 'float' },
  });
  expect(outline(module)).toContain('y_float = Conv(x_quantized, w_quantized, b)');
});

it('knows the axis of the output channels of each operator', () => {
  const axisOf = (body: string) => quantSpecOf(producerOf(preparedModel(body).module, 'w_quantized')).axis;
  const square = '<float[2,2] w = {1,2,3,4}>';
  expect(axisOf(`g (float[2,2] x) => (y) ${square} { y = MatMul(x, w) }`)).toBe(1);
  expect(axisOf(`g (float[2,2] x) => (y) ${square} { y = Gemm(x, w) }`)).toBe(1);
  expect(axisOf(`g (float[2,2] x) => (y) ${square} { y = Gemm<transB=1>(x, w) }`)).toBe(0);
  expect(axisOf(`g (${X}) => (y) <${W}> { y = ConvTranspose(x, w) }`)).toBe(1);
  expect(axisOf(`g (${X}) => (y) <${W}> { y = ConvTranspose<group=2>(x, w) }`)).toBeUndefined();
  const stacked = '<float[1,2,2] w = {1,2,3,4}>';
  expect(axisOf(`g (float[1,2,2] x) => (y) ${stacked} { y = MatMul(x, w) }`)).toBeUndefined();
});

it('quantizes both operands of a residual addition, each once', () => {
  const { module, groups } = preparedModel(
    `g (${X}) => (y) <${W}, ${V}> { a = Conv(x, w) b = Conv(a, v) s = Add(b, a) y = Relu(s) }`,
  );
  expect(outline(module)).toEqual([
    'x_quantized = QuantStub(x)',
    'w_quantized = FakeQuantize(w)',
    'a = Conv(x_quantized, w_quantized)',
    'a_quantized = FakeQuantize(a)',
    'v_quantized = FakeQuantize(v)',
    'b = Conv(a_quantized, v_quantized)',
    'b_quantized = FakeQuantize(b)',
    's = Add(b_quantized, a_quantized)',
    'y_float = Relu(s)',
    'y_quantized = FakeQuantize(y_float)',
    'y = DeQuantStub(y_quantized)',
  ]);
  expect(groups.map(({ tensor }) => tensor)).toEqual(['x', 'a', 'b', 'y']);
});

it('quantizes all operands of a Concat on grids of their own, constants too', () => {
  const { module, groups } = preparedModel(
    `g (${X}, float[1,2,4,4] z) => (y) <float[1,1,4,4] k = {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}> { y = Concat<axis=1>(x, k, z) }`,
  );
  expect(outline(module)).toContain('y_float = Concat(x_quantized, k_quantized, z_quantized)');
  expect(groups.map(({ tensor }) => tensor)).toEqual(['x', 'k', 'z', 'y']);
  expect(groups.map(({ constant }) => constant !== undefined)).toEqual([false, true, false, false]);
  expect(producerOf(module, 'k_quantized').opType).toBe('FakeQuantize');
});

it('quantizes a graph input once for all readers of one width, and once for each width', () => {
  const body = `g (${X}) => (y) <${W}, ${V}> { [c1] a = Conv(x, w) [c2] b = Conv(x, v) y = Add(a, b) }`;
  const one = outline(preparedModel(body).module);
  expect(one.filter((line) => line.includes('QuantStub(x)'))).toEqual(['x_quantized = QuantStub(x)']);
  expect(one).toContain('b = Conv(x_quantized, v_quantized)');
  const two = preparedModel(body, { mapping: { names: { c2: 'W4A8' } } });
  expect(outline(two.module).filter((line) => line.includes('QuantStub(x)'))).toHaveLength(2);
  const widths = two.groups.filter(({ tensor }) => tensor === 'x').map(({ config }) => config.activations);
  expect(widths).toEqual([4, 8]);
});

it('lets operators that only move values share the grid of their input', () => {
  const { module, groups, float } = preparedModel(
    `g (${X}) => (y) <${W}, int64[2] s = {1,-1}> {
      c = Conv(x, w) p = MaxPool<kernel_shape=[2,2]>(c) r = Reshape(p, s) y = Transpose<perm=[1,0]>(r)
    }`,
  );
  expect(float.size).toBe(0);
  const group = groups.find(({ tensor }) => tensor === 'c')!;
  expect(groups).toHaveLength(2);
  expect(group.quantizers.map((node) => node.output.name)).toEqual([
    'c_quantized',
    'p_quantized',
    'r_quantized',
    'y_quantized',
  ]);
  expect(outline(module)).toContain('p = MaxPool(c_quantized)');
  expect(outline(module)).toContain('r = Reshape(p_quantized, s)');
});

it('shares the grid among all parts of a Split, and not with the indices of a MaxPool', () => {
  const split = preparedModel(
    `g (${X}) => (p, q) <${W}> { c = Conv(x, w) p, q = Split<axis=1, num_outputs=2>(c) }`,
  );
  expect(split.groups.at(-1)!.quantizers).toHaveLength(3);
  const pool = preparedModel(
    `g (${X}) => (y, int64[1,2,2,2] i) <${W}> { c = Conv(x, w) y, i = MaxPool<kernel_shape=[2,2]>(c) }`,
  );
  expect(pool.groups.at(-1)!.quantizers.map((node) => node.output.name)).toEqual([
    'c_quantized',
    'y_quantized',
  ]);
  expect(pool.module.graph.outputs.map(({ name }) => name)).toEqual(['y', 'i']);
});

it('leaves an operator that only moves values float where its input is', () => {
  const { float, module } = preparedModel(
    `g (${X}) => (y) <${W}> { p = MaxPool<kernel_shape=[2,2]>(x) y = Conv(p, w) }`,
  );
  expect([...float].map(([node, { code }]) => [node.opType, code])).toEqual([
    ['MaxPool', 'FLOAT_INPUT_FLOAT'],
  ]);
  expect(outline(module).slice(0, 2)).toEqual(['p = MaxPool(x)', 'p_quantized = FakeQuantize(p)']);
});

it('puts results of a fixed range on a fixed grid', () => {
  const { groups } = preparedModel('g (float[1,4] x) => (y) { y = Softmax(x) }');
  expect(groups.map(({ tensor, fixedRange }) => [tensor, fixedRange])).toEqual([
    ['x', undefined],
    ['y', [0, 1]],
  ]);
});

it('keeps the names and the order of the outputs', () => {
  const { module } = preparedModel(
    `g (${X}) => (z, y, u, x) <${W}> { y = Conv(x, w) z = Erf(y) u = Shape(x) }`,
  );
  expect(module.graph.outputs.map(({ name }) => name)).toEqual(['z', 'y', 'u', 'x']);
  expect(module.graph.inputs.map(({ name }) => name)).toEqual(['x']);
  expect(module.graph.outputs[3]).toBe(module.graph.inputs[0]);
  expect(producerOf(module, 'y').opType).toBe('DeQuantStub');
  expect(outline(module)).toContain('z_float = Erf(y_quantized)');
});

it('academic quantizes inputs and weights only, the ends at 8 bits', () => {
  const { module, groups } = preparedModel(
    `g (${X}) => (y) <${W}, ${V}> { a = Conv(x, w) r = Relu(a) b = Conv(r, v) c = Conv(b, w) y = Add(c, r) }`,
    { backend: 'academic', bits: 'W2A3' },
  );
  expect(outline(module)).toEqual([
    'x_quantized = QuantStub(x)',
    'w_quantized = FakeQuantize(w)',
    'a = Conv(x_quantized, w_quantized)',
    'r = Relu(a)',
    'r_quantized = FakeQuantize(r)',
    'v_quantized = FakeQuantize(v)',
    'b = Conv(r_quantized, v_quantized)',
    'b_quantized = FakeQuantize(b)',
    'w_quantized_1 = FakeQuantize(w)',
    'c = Conv(b_quantized, w_quantized_1)',
    'y_float = Add(c, r)',
    'y = DeQuantStub(y_float)',
  ]);
  expect(groups.map(({ tensor, config }) => `${tensor}:${config.activations}`)).toEqual([
    'x:8',
    'r:3',
    'b:8',
  ]);
  expect(quantSpecOf(producerOf(module, 'v_quantized')).bits).toBe(2);
  expect(quantSpecOf(producerOf(module, 'w_quantized')).bits).toBe(8);
});

it('keeps a node float, and quantizes on the edges beside it', () => {
  const { module, float } = preparedModel(
    `g (${X}) => (y) <${W}, ${V}> { [c1] a = Conv(x, w) [c2] b = Conv(a, v) [c3] y = Conv(b, w) }`,
    { keepFloat: ['c2'] },
  );
  expect([...float].map(([node, { code }]) => [node.name, code])).toEqual([['c2', 'FLOAT_KEPT']]);
  expect(outline(module)).toContain('b = Conv(a_quantized, v)');
  expect(outline(module)).toContain('b_quantized = FakeQuantize(b)');
});

it('leaves a tensor float that was asked to', () => {
  const body = `g (${X}) => (y) <${W}, ${V}> { a = Conv(x, w) y = Conv(a, v) }`;
  const { module, groups } = preparedModel(body, { mapping: { tensors: { a: 'float', x: 'float' } } });
  expect(outline(module)).toEqual([
    'w_quantized = FakeQuantize(w)',
    'a = Conv(x, w_quantized)',
    'v_quantized = FakeQuantize(v)',
    'y_float = Conv(a, v_quantized)',
    'y_quantized = FakeQuantize(y_float)',
    'y = DeQuantStub(y_quantized)',
  ]);
  expect(groups.map(({ tensor }) => tensor)).toEqual(['y']);
});

it('gives a tensor the width that was asked for it alone', () => {
  const body = `g (${X}) => (y) <${W}, ${V}> { a = Conv(x, w) y = Conv(a, v) }`;
  const { groups } = preparedModel(body, { mapping: { tensors: { a: '8' } } });
  expect(groups.map(({ tensor, config }) => `${tensor}:${config.activations}`)).toEqual([
    'x:4',
    'a:8',
    'y:4',
  ]);
});

it('does not quantize arithmetic on shapes', () => {
  const { module } = preparedModel(
    `g (${X}) => (y) <${W}, int64[1] zero = {0}, int64[1] rest = {-1}> {
      c = Conv(x, w) s = Shape(c) d = Gather(s, zero) t = Concat<axis=0>(d, rest) y = Reshape(c, t)
    }`,
  );
  expect(outline(module)).toContain('t = Concat(d, rest)');
  expect(outline(module).filter((line) => /FakeQuantize\((s|d|t|rest|zero)\)/.test(line))).toEqual([]);
});

it('gives a weight that two layers share a quantizer for each', () => {
  const { module, layers } = preparedModel(`g (${X}) => (y) <${W}> { a = Conv(x, w) y = Conv(a, w) }`);
  expect(outline(module).filter((line) => line.endsWith('FakeQuantize(w)'))).toHaveLength(2);
  expect(layers[0]!.weightQuantizer).not.toBe(layers[1]!.weightQuantizer);
});

it('leaves a model without anything to quantize as it was', () => {
  const body = 'g (float[2] x) => (y) { e = Erf(x) y = com.example.Gelu(e) }';
  const untouched = printModule(model(body));
  const { module, groups, layers } = preparedModel(body);
  expect(printModule(module)).toBe(untouched);
  expect([groups, layers]).toEqual([[], []]);
});

it('refuses overrides that match nothing before it edits', () => {
  const body = `g (${X}) => (y) <${W}> { [conv] y = Conv(x, w) }`;
  const module = model(body);
  const resolver = resolverOf({ mapping: { tensors: { logits: 'float' } } });
  expect(() => prepare(module, findBackend('integer-only'), resolver)).toThrow(
    expect.objectContaining({ code: 'MAPPING_UNMATCHED', at: { option: 'logits' } }),
  );
  expect(printModule(module)).toBe(printModule(model(body)));
});
