import {
  constantTensor,
  type GraphModule,
  isQuantizer,
  lint,
  parseModule,
  QuantizedTensor,
  qparamsOf,
} from '@bitwright/graph';
import { expect, it } from 'vitest';
import { convModel, lowered, outline, quantizedModel, spec } from '../../test/quantized-model.js';
import { detectDialect } from '../detect-dialect.js';

const PARAMS = 'float s = {0.5}, uint8 z = {3}, int8 i = {0}, float[2] ss = {0.5,0.25}, int8[2] ii = {0,0}';

/** Reads a quantized file in the text form and lifts it with the dialect that its operators show. */
function lift(body: string, initializers = PARAMS, head = 'float[2,2] x) => (float[2,2] y)') {
  const module = parseModule(`<ir_version: 10, opset_import: ["": 21, "com.microsoft": 1, "qonnx": 1]>
    g (${head} <${initializers}> { ${body} }`);
  const diagnostics = detectDialect(module)!.lift(module);
  lint(module);
  return { module, diagnostics, codes: diagnostics.map(({ code }) => code) };
}

const quantizers = (module: GraphModule) => [...module.graph.ops()].filter(isQuantizer);

/** Width, lowest code, zero points and codes of the weights that are found. */
function weightsOf(module: GraphModule) {
  return quantizers(module).flatMap((node) => {
    const tensor = constantTensor(node.inputs[0]);
    const { role, bits, quantMin, zeroPoint, axis } = qparamsOf(node);
    return tensor instanceof QuantizedTensor
      ? [{ role, bits, quantMin, zero: [...zeroPoint], axis, codes: [...tensor.codes] }]
      : [];
  });
}

it('puts stubs where values enter and leave, and keeps the names of the outputs', () => {
  const { module, codes } = lift('q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z) y = Relu(d)');
  expect(codes).toEqual([]);
  expect(outline(module)).toEqual([
    'x_quantized = QuantStub(x, x_scale, x_zero_point)',
    'y_float = Relu(x_quantized)',
    'y = DeQuantStub(y_float)',
  ]);
  expect(module.opsets.get('ai.bitwright')).toBe(1);
  expect(qparamsOf(quantizers(module)[0]!)).toMatchObject({
    ...{ bits: 8, signed: false, quantMin: 0, quantMax: 255, role: 'activation' },
    ...{ scale: Float32Array.of(0.5), zeroPoint: Int32Array.of(3) },
  });
});

it.each([
  [0, 15, 4],
  [0, 12, 4],
  [0, 127, 7],
  [0, 3, 2],
])('a Clip of codes to %i..%i is a grid of %i bits', (low, high, bits) => {
  const { module } = lift(
    'q = QuantizeLinear(x, s, z) c = Clip(q, l, h) y = DequantizeLinear(c, s, z)',
    `${PARAMS}, uint8 l = {${low}}, uint8 h = {${high}}`,
  );
  expect(qparamsOf(quantizers(module)[0]!)).toMatchObject({ bits, quantMin: low, quantMax: high });
});

it('one quantizer serves all who read its codes; an unclipped reader has its own', () => {
  const { module } = lift(
    `q = QuantizeLinear(x, s, z) a = DequantizeLinear(q, s, z) b = DequantizeLinear(q, s, z)
     c = Clip(q, z, h) d = DequantizeLinear(c, s, z) y = Sum(a, b, d)`,
    `${PARAMS}, uint8 h = {15}`,
  );
  expect(outline(module).at(-2)).toBe('y_float = Sum(x_quantized, x_quantized, x_quantized_1)');
});

const W = (data: string, type = 'int8') => `${PARAMS}, ${type}[2,2] w = {${data}}, uint8 u = {128}`;

it('shows the narrowest width that holds the codes of weights, and at most that of the carrier', () => {
  const bitsOf = (data: string, type?: string) =>
    weightsOf(lift('d = DequantizeLinear(w, s) y = MatMul(x, d)', W(data, type)).module)[0]!.bits;
  expect(bitsOf('1,-2,0,1')).toBe(2);
  expect(bitsOf('3,-4,0,1')).toBe(3);
  expect(bitsOf('3,-5,0,1')).toBe(4);
  expect(bitsOf('127,-5,0,1')).toBe(8);
  expect(bitsOf('1,0,0,1', 'int16')).toBe(16);
  expect(bitsOf('1,0,0,1', 'int4')).toBe(3);
  expect(bitsOf('1,0,-8,1', 'int4')).toBe(4);
});

it('moves unsigned weights to a signed grid, with their zero point', () => {
  const { module } = lift('d = DequantizeLinear(w, s, u) y = MatMul(x, d)', W('0,255,128,130', 'uint8'));
  expect(weightsOf(module)).toEqual([
    { role: 'weight', bits: 8, quantMin: -128, zero: [0], axis: undefined, codes: [-128, 127, 0, 2] },
  ]);
});

it('reads float weights that the file quantizes, as PyTorch exports fake quantization', () => {
  const { module, codes } = lift(
    `q = QuantizeLinear<axis=0>(w, ss, ii) d = DequantizeLinear<axis=0>(q, ss, ii) y = Gemm<transB=1>(x, d)`,
    `${PARAMS}, float[2,2] w = {0.5,-1.1,0.3,100}`,
  );
  expect(codes).toEqual([]);
  expect(weightsOf(module)).toEqual([
    { role: 'weight', bits: 8, quantMin: -128, zero: [0, 0], axis: 0, codes: [1, -2, 1, 127] },
  ]);
});

it('reads parameters of Constant nodes, and codes behind a Cast', () => {
  const { module, codes } = lift(
    `k = Constant<value_float=0.25>() c = Cast<to=3>(w) d = DequantizeLinear(c, k) y = MatMul(x, d)`,
    `int2[2,2] w = {1,-2,0,1}`,
  );
  expect(codes).toEqual([]);
  expect(weightsOf(module)).toMatchObject([{ bits: 2, codes: [1, -2, 0, 1] }]);
});

it('takes true widths from the metadata, unless the codes contradict', () => {
  const bitsOf = (text: string) => {
    const { module } = lowered(convModel({ weightBits: 4, weights: [1, 0.5, 0, 0, 0, 0, 0, 0] }), 'qcdq');
    module.metadataProps.set('bitwright.layers', text);
    const diagnostics = detectDialect(module)!.lift(module);
    return [weightsOf(module)[0]!.bits, diagnostics.map(({ code }) => code)];
  };
  expect(bitsOf('[]')).toEqual([3, []]);
  expect(bitsOf('[{"name":"conv","opType":"Conv","weights":{"bits":4,"symmetric":true}}]')).toEqual([4, []]);
  expect(bitsOf('[{"name":"conv","weights":{"bits":2}}]')).toEqual([3, []]);
  for (const said of ['[{"name":', '{}', '[{"name":3}]', '[{"name":"x","weights":{"bits":"4"}}]'])
    expect(bitsOf(said)).toEqual([3, ['LIFT_METADATA']]);
});

it('restores the sign of grids that the file holds at the low end of uint8', () => {
  const { module } = lowered(convModel({ inputBits: 4, inputSigned: true }), 'qcdq');
  const grid = { bits: 4, signed: true };
  const layers = [
    { name: 'conv', pattern: ['Conv', 'Relu'], activations: grid, output: { bits: 4, signed: false } },
  ];
  module.metadataProps.set('bitwright.layers', JSON.stringify(layers));
  detectDialect(module)!.lift(module);
  const [input, , , output] = quantizers(module).map(qparamsOf);
  expect(input).toMatchObject({ signed: true, quantMin: -8, quantMax: 7, zeroPoint: Int32Array.of(0) });
  expect(output).toMatchObject({ signed: false, quantMin: 0, quantMax: 15, zeroPoint: Int32Array.of(0) });
});

it('transposes weights that a file transposes in front of a MatMul', () => {
  const { module, codes } = lift(
    `d = DequantizeLinear<axis=0>(w, ss, ii) t = Transpose<perm=[1,0]>(d) y = MatMul(x, t)`,
    `${PARAMS}, int8[2,3] w = {1,2,3,-4,5,6}`,
    'float[1,3] x) => (float[1,2] y)',
  );
  expect(codes).toEqual([]);
  expect(weightsOf(module)).toMatchObject([{ role: 'weight', axis: 1, codes: [1, -4, 2, 5, 3, 6] }]);
  expect(outline(module).map((line) => line.replace(/.* = /, '').replace(/\(.*/, ''))).toEqual([
    'FakeQuantize',
    'MatMul',
    'DeQuantStub',
  ]);
});

it('gives each reader of shared weights a quantizer of its own', () => {
  const { module } = lift('d = DequantizeLinear(w, s) a = MatMul(x, d) y = MatMul(a, d)', W('1,2,3,4'));
  expect(weightsOf(module)).toHaveLength(2);
});

it('takes out the Sum that hides quantizers from the runtime', () => {
  const { module } = lift('d = DequantizeLinear(w, s) h = Sum(d) y = MatMul(x, h)', W('1,2,3,4'));
  expect(outline(module)).toEqual([
    'w_1_quantized = FakeQuantize(w_1, w_1_scale, w_1_zero_point)',
    'y_float = MatMul(x, w_1_quantized)',
    'y = DeQuantStub(y_float)',
  ]);
});

it('lets MaxPool and Pad work on the floats behind the codes', () => {
  const { module, codes } = lift(
    `q = QuantizeLinear(x, s, z) m = MaxPool<kernel_shape=[1,1]>(q) p = Pad(m, pads, z) y = DequantizeLinear(p, s, z)`,
    `${PARAMS}, int64[8] pads = {0,0,1,1,0,0,1,1}`,
    'float[1,1,2,2] x) => (float[1,1,4,4] y)',
  );
  expect(codes).toEqual([]);
  expect(outline(module).map((line) => line.replace(/.* = /, ''))).toEqual([
    'QuantStub(x, x_scale, x_zero_point)',
    'MaxPool(x_quantized)',
    'FakeQuantize(m_float, m_float_scale, m_float_zero_point)',
    'Pad(m_float_quantized, pads, )',
    'FakeQuantize(p_float, p_float_scale, p_float_zero_point)',
    'DeQuantStub(p_float_quantized)',
  ]);
});

it.each([
  [
    'a scale that is computed',
    'k = Abs(s) q = QuantizeLinear(x, k, z) y = DequantizeLinear(q, k, z)',
    'LIFT_PARAMETERS',
  ],
  [
    'other parameters than the codes were made with',
    'q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, t, z)',
    'LIFT_PARAMETERS',
  ],
  ['a scale of zero', 'q = QuantizeLinear(x, o, z) y = DequantizeLinear(q, o, z)', 'LIFT_PARAMETERS'],
  [
    'channels of an activation',
    'q = QuantizeLinear<axis=1>(x, ss, ii) y = DequantizeLinear<axis=1>(q, ss, ii)',
    'LIFT_PER_CHANNEL',
  ],
  ['blocks of weights', 'd = DequantizeLinear<axis=0, block_size=2>(w, bs) y = MatMul(x, d)', 'LIFT_BLOCKS'],
  ['float8', 'q = QuantizeLinear<output_dtype=17>(x, s) y = DequantizeLinear(q, s)', 'LIFT_DTYPE'],
  [
    'a Clip that leaves out the zero point',
    'q = QuantizeLinear(x, s, z) c = Clip(q, five, nine) y = DequantizeLinear(c, s, z)',
    'LIFT_WIDTH',
  ],
  [
    '12 bits',
    'q = QuantizeLinear(x, s, z16) c = Clip(q, z16, top) y = DequantizeLinear(c, s, z16)',
    'LIFT_WIDTH',
  ],
  [
    'a dynamic quantizer',
    'q, k, o2 = DynamicQuantizeLinear(x) y = DequantizeLinear(q, k, o2)',
    'LIFT_OPERATOR',
  ],
  [
    'arithmetic on codes',
    'q = QuantizeLinear(x, s, z) a = Add(q, q) y = DequantizeLinear(a, s, z)',
    'LIFT_OPERATOR',
  ],
  [
    'a rule of rounding',
    'y = qonnx.Quant<signed=1, narrow=0, rounding_mode="FLOOR">(x, s, zero, four)',
    'LIFT_ROUNDING',
  ],
  ['a bipolar quantizer', 'y = qonnx.BipolarQuant(x, s)', 'LIFT_OPERATOR'],
  ['a Quant of 11 bits', 'y = qonnx.Quant<signed=1, narrow=0>(x, s, zero, eleven)', 'LIFT_WIDTH'],
])('leaves %s as it is, and says why', (_what, body, code) => {
  const more = `float t = {0.25}, float o = {0}, int8[2,2] w = {1,2,3,4}, float[1,2] bs = {1,1}, uint8 five = {5},
    uint8 nine = {9}, uint16 z16 = {0}, uint16 top = {4095}, float zero = {0}, float four = {4}, float eleven = {11}`;
  const { module, codes, diagnostics } = lift(body, `${PARAMS}, ${more}`);
  const before = body.match(/\w+(?=[<(])/g)!.filter((opType) => /Quant|Linear/.test(opType));
  expect(codes).toContain(code);
  expect(diagnostics.every(({ at }) => at.node !== undefined)).toBe(true);
  expect([...module.graph.ops()].filter(({ opType }) => before.includes(opType))).toHaveLength(before.length);
  expect(quantizers(module)).toEqual([]);
});

it('names quantizers in bodies', () => {
  const { codes } = lift(
    `y = If<then_branch = t () => (a) { q = QuantizeLinear(x, s, z) a = DequantizeLinear(q, s, z) },
            else_branch = e () => (b) { b = Identity(x) }>(cond)`,
    `${PARAMS}, bool cond = {1}`,
  );
  expect(codes).toEqual(['LIFT_IN_BODY', 'LIFT_IN_BODY']);
});

it('reads ConvInteger behind which a Cast and a Mul stand', () => {
  const { module, codes } = lift(
    `q = QuantizeLinear(x, s, z) a = ConvInteger(q, w, z, wz) f = Cast<to=1>(a) y = Mul(f, m)`,
    `${PARAMS}, uint8[2,1,1,1] w = {130,120}, uint8 wz = {128}, float[1,2,1,1] m = {0.25,0.125}`,
    'float[1,1,2,2] x) => (float[1,2,2,2] y)',
  );
  expect(codes).toEqual([]);
  expect(weightsOf(module)).toEqual([
    { role: 'weight', bits: 4, quantMin: -8, zero: [0, 0], axis: 0, codes: [2, -8] },
  ]);
  expect(
    [...qparamsOf(quantizers(module)[0]!).scale, ...qparamsOf(quantizers(module)[1]!).scale].sort(),
  ).toEqual([0.25, 0.5, 0.5]);
});

it('reads widths that differ within one file', () => {
  const module = quantizedModel(`g (float[2] x) => (y) <float s = {1}, int32 o = {0}> {
    xq = QuantStub${spec('activation', 4, false)}(x, s, o) r = Relu(xq)
    rq = FakeQuantize${spec('activation', 8, false)}(r, s, o) y = DeQuantStub(rq)
  }`);
  const { module: file } = lowered(module, 'qcdq');
  detectDialect(file)!.lift(file);
  expect(quantizers(file).map((node) => qparamsOf(node).bits)).toEqual([4, 8]);
});
