import { expect, it } from 'vitest';
import { constantOf, lowered, outline, quantizedModel, spec } from '../test/quantized-model.js';

const ACTIVATION = spec('activation', 8, false);
const QUANTIZED_INPUT = `xq = QuantStub${ACTIVATION}(x, s, o)`;
const SCALARS = 'float s = {1}, int32 o = {0}';
const WEIGHT = 'float[2,2] w = {1,2,3,-4}';
const QUANTIZED_WEIGHT = `wq = FakeQuantize${spec('weight', 4, true)}(w, s, o)`;

/** The operators of a small model after lowering. */
function opsOf(body: string, constants = '', input = 'float[2,2] x'): string[] {
  const model = quantizedModel(
    `g (${input}) => (y) <${SCALARS}, ${WEIGHT}${constants && ', '}${constants}> { ${body} }`,
  );
  return outline(lowered(model, 'qdq').module);
}

it('hides a dequantized input from a layer whose weights are to stay float', () => {
  expect(opsOf(`${QUANTIZED_INPUT} y = MatMul(xq, w)`).slice(-2)).toEqual([
    'x_dq_guarded = Sum(x_dq)',
    'y = MatMul(x_dq_guarded, w)',
  ]);
  expect(opsOf(`${QUANTIZED_INPUT} t = Transpose(xq) y = MatMul(t, w)`).at(-1)).toBe(
    'y = MatMul(t_guarded, w)',
  );
});

it('does not guard a float layer with a float input', () => {
  expect(opsOf('y = MatMul(x, w)')).toEqual(['y = MatMul(x, w)']);
  expect(opsOf(`${QUANTIZED_INPUT} e = Erf(xq) y = MatMul(e, w)`).at(-1)).toBe('y = MatMul(e, w)');
});

it('hides dequantized weights from a MatMul or Gemm whose input is float', () => {
  expect(opsOf(`${QUANTIZED_WEIGHT} y = MatMul(x, wq)`).slice(-2)).toEqual([
    'w_dq_guarded = Sum(w_dq)',
    'y = MatMul(x, w_dq_guarded)',
  ]);
  expect(opsOf(`${QUANTIZED_INPUT} ${QUANTIZED_WEIGHT} y = MatMul(xq, wq)`).at(-1)).toBe(
    'y = MatMul(x_dq, w_dq)',
  );
});

it('adds a float bias of a Gemm in its own shape', () => {
  const body = `${QUANTIZED_INPUT} ${QUANTIZED_WEIGHT} y = Gemm(xq, wq, b)`;
  expect(opsOf(body, 'float[2] b = {5,6}').slice(-2)).toEqual([
    'y = Gemm(x_dq, w_dq)',
    'y_biased = Add(y, b_operand)',
  ]);
});

it('leaves the float bias of a float layer where it is', () => {
  expect(opsOf('y = Gemm(x, w, b)', 'float[2] b = {5,6}')).toEqual(['y = Gemm(x, w, b)']);
});

it('keeps an Add behind a quantized MatMul from becoming the bias of a Gemm', () => {
  const model = quantizedModel(`g (float[2,2] x) => (y) <${SCALARS}, ${WEIGHT}, float[2] b = {5,6}> {
    ${QUANTIZED_INPUT} ${QUANTIZED_WEIGHT} m = MatMul(xq, wq) y = Add(b, m)
  }`);
  const { module } = lowered(model, 'qdq');
  expect(outline(module).at(-1)).toBe('y = Add(b_row, m)');
  expect(constantOf(module, 'b_row')).toEqual({ dtype: 'float', dims: [1, 2], data: [5, 6] });
});
