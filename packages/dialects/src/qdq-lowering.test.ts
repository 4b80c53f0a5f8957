import { quantGrid } from '@bitwright/core';
import { isDeQuantStub, isQuantizer } from '@bitwright/graph';
import { expect, it } from 'vitest';
import {
  constantOf,
  convModel,
  lowered,
  outline,
  producerOf,
  quantizedModel,
  spec,
} from '../test/quantized-model.js';

const ACTIVATION = spec('activation', 4, false);
const WEIGHT = spec('weight', 4, true, 0);

it('qcdq writes QuantizeLinear, Clip and DequantizeLinear', () => {
  const { module, diagnostics } = lowered(convModel(), 'qcdq');
  expect(outline(module)).toEqual([
    'x_q = QuantizeLinear(x, xs, x_zero_point)',
    'x_clip = Clip(x_q, x_code_min, x_code_max)',
    'x_dq = DequantizeLinear(x_clip, xs, x_zero_point)',
    'w_dq = DequantizeLinear(w_codes, ws, w_zero_point)',
    'b_dq = DequantizeLinear(b_codes, bs)',
    'c = Conv(x_dq, w_dq, b_dq)',
    'yf = Relu(c)',
    'yf_q = QuantizeLinear(yf, ys, yf_zero_point)',
    'yf_clip = Clip(yf_q, yf_code_min, yf_code_max)',
    'y = DequantizeLinear(yf_clip, ys, yf_zero_point)',
  ]);
  expect(diagnostics).toEqual([]);
});

it.each(['qcdq', 'qdq', 'native', 'qonnx'])(
  '%s leaves nothing of the private dialect, and keeps the outputs',
  (name) => {
    const { module } = lowered(convModel({ inputBits: 8 }), name);
    expect([...module.graph.ops()].some((node) => isQuantizer(node) || isDeQuantStub(node))).toBe(false);
    expect(module.opsets.has('ai.bitwright')).toBe(false);
    expect(module.graph.outputs.map((value) => value.name)).toEqual(['y']);
    expect(module.graph.outputs[0]!.shape).toEqual([1, 2, 4, 4]);
    expect(module.graph.inputs.map((value) => value.name)).toEqual(['x']);
  },
);

it.each([2, 3, 4, 5, 6, 7])('qcdq holds %d-bit codes at the low end of uint8', (bits) => {
  const { module } = lowered(convModel({ inputBits: bits }), 'qcdq');
  expect(constantOf(module, 'x_zero_point')).toEqual({ dtype: 'uint8', dims: [], data: [3] });
  expect(constantOf(module, 'x_code_min')).toEqual({ dtype: 'uint8', dims: [], data: [0] });
  expect(constantOf(module, 'x_code_max')).toEqual({ dtype: 'uint8', dims: [], data: [2 ** bits - 1] });
});

it.each([2, 4, 7, 8])('a signed grid of %d bits sits at the low end too, never around 128', (bits) => {
  const { module } = lowered(convModel({ inputBits: bits, inputSigned: true }), 'qcdq');
  expect(constantOf(module, 'x_zero_point').data).toEqual([2 ** (bits - 1)]);
  if (bits < 8) expect(constantOf(module, 'x_code_max').data).toEqual([2 ** bits - 1]);
});

it('needs no Clip where the grid is the carrier', () => {
  for (const [bits, carrier] of [
    [8, 'uint8'],
    [16, 'uint16'],
  ] as const) {
    const { module } = lowered(convModel({ inputBits: bits }), 'qdq');
    expect(outline(module).some((line) => line.includes('Clip'))).toBe(false);
    expect(constantOf(module, 'x_zero_point').dtype).toBe(carrier);
  }
});

it('writes weights as codes of their channel axis, and leaves no float copy', () => {
  const { module } = lowered(convModel(), 'qcdq');
  expect(constantOf(module, 'w_codes')).toEqual({
    dtype: 'int8',
    dims: [2, 2, 1, 2],
    data: [2, -2, 1, 7, -8, 4, 0, 3],
  });
  expect(constantOf(module, 'w_zero_point')).toEqual({ dtype: 'int8', dims: [2], data: [0, 0] });
  expect(producerOf(module, 'w_dq').attributes.int('axis', -1)).toBe(0);
  expect(module.graph.findValue('w')).toBeUndefined();
  expect(module.graph.findValue('b')).toBeUndefined();
});

it('writes no axis for weights of one scale', () => {
  const module = quantizedModel(`g (float[1,2] x) => (y)
    <float xs = {1}, int32 xz = {0}, float[2,2] w = {1,2,3,-4}, float ws = {1}, int32 wz = {1}> {
    xq = QuantStub${ACTIVATION}(x, xs, xz) wq = FakeQuantize${spec('weight', 4, true)}(w, ws, wz)
    y = MatMul(xq, wq)
  }`);
  lowered(module, 'qcdq');
  expect(producerOf(module, 'w_dq').attributes.has('axis')).toBe(false);
  expect(constantOf(module, 'w_zero_point')).toEqual({ dtype: 'int8', dims: [], data: [1] });
  expect(constantOf(module, 'w_codes').data).toEqual([2, 3, 4, -3]);
});

it.each([
  [8, 'int8', [8, -16]],
  [16, 'int16', [8, -16]],
  [32, 'int32', [8, -16]],
] as const)('writes a bias of %d bits as %s without zero point', (biasBits, dtype, data) => {
  const { module } = lowered(convModel({ biasBits }), 'qcdq');
  expect(constantOf(module, 'b_codes')).toEqual({ dtype, dims: [2], data });
  const dequantize = producerOf(module, 'b_dq');
  expect(dequantize.inputs).toHaveLength(2);
  expect(dequantize.attributes.int('axis', -1)).toBe(0);
});

it('adds a float bias behind the layer, before the Relu', () => {
  const { module } = lowered(convModel({ biasBits: 'float' }), 'qcdq');
  expect(outline(module)).toContain('c = Conv(x_dq, w_dq)');
  expect(outline(module)).toContain('c_biased = Add(c, b_operand)');
  expect(outline(module)).toContain('yf = Relu(c_biased)');
  expect(constantOf(module, 'b_operand')).toEqual({ dtype: 'float', dims: [1, 2, 1, 1], data: [1, -2] });
});

it('writes a constant operand as codes', () => {
  const module = quantizedModel(`g (float[2] x) => (y)
    <float xs = {1}, int32 xz = {-8}, float[2] k = {0.5,-0.25}, float ks = {0.25}, int32 kz = {-4}> {
    xq = QuantStub${spec('activation', 4, true)}(x, xs, xz)
    kq = FakeQuantize${spec('activation', 4, true)}(k, ks, kz)
    y = Add(xq, kq)
  }`);
  lowered(module, 'qcdq');
  expect(outline(module)).toContain('k_dq = DequantizeLinear(k_codes, ks, k_zero_point)');
  // -4 + 2 and -4 - 1, moved up by 8
  expect(constantOf(module, 'k_codes')).toEqual({ dtype: 'uint8', dims: [2], data: [6, 3] });
  expect(constantOf(module, 'k_zero_point').data).toEqual([4]);
});

it('native packs narrow weights, and no activations', () => {
  const dtypeOf = (bits: number) =>
    constantOf(lowered(convModel({ weightBits: bits }), 'native').module, 'w_codes').dtype;
  expect([2, 3, 4, 5, 6, 7, 8, 16].map(dtypeOf)).toEqual([
    'int2',
    'int4',
    'int4',
    'int8',
    'int8',
    'int8',
    'int8',
    'int16',
  ]);
  const { module } = lowered(convModel({ weightBits: 4 }), 'native');
  expect(constantOf(module, 'w_zero_point').dtype).toBe('int4');
  expect(constantOf(module, 'x_zero_point').dtype).toBe('uint8');
  expect(constantOf(module, 'x_code_max').data).toEqual([15]);
});

it('native widens 2-bit weights before they are dequantized', () => {
  const { module } = lowered(convModel({ weightBits: 2 }), 'native');
  expect(outline(module)).toContain('w_codes_int8 = Cast(w_codes)');
  expect(producerOf(module, 'w_codes_int8').attributes.int('to', 0)).toBe(3);
  expect(outline(module)).toContain('w_dq = DequantizeLinear(w_codes_int8, ws, w_zero_point)');
  expect(constantOf(module, 'w_zero_point').dtype).toBe('int8');
});

const HEAVY = [60, 63.5, 0, 0, -64, 1, 0, 0]; // codes 120 and 127: 255 * 247 passes 2^15

it.each(['qcdq', 'qdq', 'native'])('%s writes 8-bit weights as uint8 where pairs would saturate', (name) => {
  const { module, diagnostics } = lowered(convModel({ weightBits: 8, inputBits: 8, weights: HEAVY }), name);
  expect(constantOf(module, 'w_codes')).toEqual({
    dtype: 'uint8',
    dims: [2, 2, 1, 2],
    data: [120, 127, 0, 0, -128, 2, 0, 0].map((code) => code + 128),
  });
  expect(constantOf(module, 'w_zero_point')).toEqual({ dtype: 'uint8', dims: [2], data: [128, 128] });
  expect(diagnostics).toEqual([
    expect.objectContaining({ code: 'SATURATION_AVOIDED', severity: 'info', at: { node: 'conv' } }),
  ]);
});

it('keeps signed 8-bit weights where no pair can saturate, or where it is allowed to', () => {
  const dtypeOf = (inputBits: number, weights: readonly number[], allow?: boolean) => {
    const { module, diagnostics } = lowered(convModel({ weightBits: 8, inputBits, weights }), 'qcdq', allow);
    expect(diagnostics).toEqual([]);
    return constantOf(module, 'w_codes').dtype;
  };
  expect(dtypeOf(7, HEAVY)).toBe('int8');
  expect(dtypeOf(8, [32, 32, 0, 0, -32, -32, 0, 0])).toBe('int8');
  expect(dtypeOf(8, HEAVY, true)).toBe('int8');
});

it('keeps the names of two outputs that come from one value', () => {
  const module = quantizedModel(`g (float[2] x) => (y, z) <float s = {1}, int32 o = {0}> {
    xq = QuantStub${ACTIVATION}(x, s, o) r = Relu(xq) rq = FakeQuantize${ACTIVATION}(r, s, o)
    y = DeQuantStub(rq) z = DeQuantStub(rq)
  }`);
  lowered(module, 'qcdq');
  expect(module.graph.outputs.map(({ name }) => name)).toEqual(['y', 'z']);
  expect(outline(module).at(-1)).toBe('z = Identity(y)');
});

it('keeps the name of an output that is a graph input or a constant', () => {
  const module = quantizedModel(`g (float[2] x) => (y, z) <float[2] k = {1,2}> {
    y = DeQuantStub(x) z = DeQuantStub(k)
  }`);
  lowered(module, 'qcdq');
  expect(outline(module)).toEqual(['y = Identity(x)', 'z = Identity(k)']);
});

it('lets an output that a float node makes keep its name', () => {
  const module = quantizedModel(`g (float[2] x) => (y) <float s = {1}, int32 o = {0}> {
    xq = QuantStub${ACTIVATION}(x, s, o) e = Erf(xq) t = Tanh(e) y = DeQuantStub(e)
  }`);
  lowered(module, 'qcdq');
  expect(outline(module).at(-1)).toBe('y = Erf(x_dq)');
});

it('gives a shared weight codes for each of its readers', () => {
  const module = quantizedModel(`g (float[1,2,4,4] x) => (y)
    <float xs = {1}, int32 xz = {0}, float[2,2,1,1] w = {1,2,3,-4}, float[2] ws = {1,1}, int32[2] wz = {0,0}> {
    xq = QuantStub${ACTIVATION}(x, xs, xz)
    wq = FakeQuantize${WEIGHT}(w, ws, wz) a = Conv(xq, wq)
    vq = FakeQuantize${WEIGHT}(w, ws, wz) b = Conv(xq, vq) y = Add(a, b)
  }`);
  lowered(module, 'qcdq');
  expect(outline(module)).toContain('a = Conv(x_dq, w_dq)');
  expect(outline(module)).toContain('b = Conv(x_dq, w_dq_1)');
});

it('refuses a quantizer without parameters', () => {
  const module = quantizedModel(`g (float[2] x) => (y) { y = QuantStub${ACTIVATION}(x) }`);
  expect(() => lowered(module, 'qcdq')).toThrow(
    expect.objectContaining({
      code: 'QUANTIZER_NOT_CALIBRATED',
      at: expect.objectContaining({ value: 'x' }),
    }),
  );
});

it('the grids of these tests are those of the definition', () => {
  expect(ACTIVATION).toContain('quant_max=15');
  expect(quantGrid(4, true)).toMatchObject({ quantMin: -8, quantMax: 7 });
});
