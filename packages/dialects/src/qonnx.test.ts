import type { GraphModule } from '@bitwright/graph';
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
import { QONNX_DOMAIN } from './qonnx.js';

/** The attributes of a Quant node as plain values. */
function attributesOf(module: GraphModule, value: string) {
  const node = producerOf(module, value);
  expect([node.domain, node.opType]).toEqual([QONNX_DOMAIN, 'Quant']);
  const { attributes } = node;
  return {
    signed: attributes.int('signed', -1),
    narrow: attributes.int('narrow', -1),
    rounding: attributes.string('rounding_mode', ''),
  };
}

it('writes Quant nodes with scale, zero point and width as floats', () => {
  const { module } = lowered(convModel({ inputSigned: true, inputBits: 5 }), 'qonnx');
  expect(outline(module)).toEqual([
    'x_quant = Quant(x, x_quant_scale, x_zeropt, x_bitwidth)',
    'w_quant = Quant(w_on_grid, w_quant_scale, w_zeropt, w_bitwidth)',
    'b_quant = Quant(b_on_grid, b_quant_scale, b_zeropt, b_bitwidth)',
    'c = Conv(x_quant, w_quant, b_quant)',
    'yf = Relu(c)',
    'y = Quant(yf, yf_quant_scale, yf_zeropt, yf_bitwidth)',
  ]);
  expect(constantOf(module, 'x_quant_scale')).toEqual({ dtype: 'float', dims: [], data: [0.25] });
  expect(constantOf(module, 'x_zeropt')).toEqual({ dtype: 'float', dims: [], data: [0] });
  expect(constantOf(module, 'x_bitwidth')).toEqual({ dtype: 'float', dims: [], data: [5] });
  expect(constantOf(module, 'b_bitwidth').data).toEqual([32]);
  expect(module.opsets.get(QONNX_DOMAIN)).toBe(1);
});

it('writes every attribute, so that no default is guessed', () => {
  const { module } = lowered(convModel({ inputSigned: true }), 'qonnx');
  expect(attributesOf(module, 'x_quant')).toEqual({ signed: 1, narrow: 0, rounding: 'ROUND' });
  expect(attributesOf(module, 'w_quant')).toEqual({ signed: 1, narrow: 0, rounding: 'ROUND' });
  expect(attributesOf(module, 'y')).toEqual({ signed: 0, narrow: 0, rounding: 'ROUND' });
});

it('says narrow for a grid without its lowest code', () => {
  const narrow = spec('activation', 4, true).replace('quant_min=-8', 'quant_min=-7');
  const module = quantizedModel(
    `g (float[2] x) => (y) <float s = {1}, int32 o = {0}> { y = QuantStub${narrow}(x, s, o) }`,
  );
  lowered(module, 'qonnx');
  expect(attributesOf(module, 'x_quant').narrow).toBe(1);
});

it('writes float weights that lie on their grid, with scales that broadcast', () => {
  const { module } = lowered(convModel({ weights: [1.1, -0.9, 0.4, 100, -100, 2, 0, 1.4] }), 'qonnx');
  expect(constantOf(module, 'w_on_grid')).toEqual({
    dtype: 'float',
    dims: [2, 2, 1, 2],
    data: [1, -1, 0.5, 3.5, -4, 2, 0, 1.5],
  });
  expect(constantOf(module, 'w_quant_scale')).toEqual({
    dtype: 'float',
    dims: [2, 1, 1, 1],
    data: [0.5, 0.5],
  });
  expect(module.graph.findValue('w')).toBeUndefined();
});

it('writes a zero point for each channel where they differ', () => {
  const module = quantizedModel(`g (float[1,2] x) => (y)
    <float[2,2] w = {0,1,2,3}, float[2] s = {1,0.5}, int32[2] o = {-2,1}> {
    wq = FakeQuantize${spec('weight', 4, true, 1)}(w, s, o) y = MatMul(x, wq)
  }`);
  lowered(module, 'qonnx');
  expect(constantOf(module, 'w_zeropt')).toEqual({ dtype: 'float', dims: [1, 2], data: [-2, 1] });
  expect(constantOf(module, 'w_on_grid').data).toEqual([0, 1, 2, 3]);
});

it('keeps the names of two outputs that come from one value', () => {
  const activation = spec('activation', 4, false);
  const module = quantizedModel(`g (float[2] x) => (y, z) <float s = {1}, int32 o = {0}> {
    xq = QuantStub${activation}(x, s, o) y = DeQuantStub(xq) z = DeQuantStub(xq)
  }`);
  lowered(module, 'qonnx');
  expect(module.graph.outputs.map(({ name }) => name)).toEqual(['y', 'z']);
});
