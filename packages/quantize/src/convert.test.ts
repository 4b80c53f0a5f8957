import { quantGrid, quantizeTensor, seededRandom } from '@bitwright/core';
import { constantTensor, lint, type OpNode, QuantizedTensor, qparamsOf, setQParams } from '@bitwright/graph';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Choices, outline, preparedModel } from '../test/prepared-model.js';
import { type ConvertOptions, convert } from './convert.js';
import type { PreparedModel } from './prepare.js';
import { weightQParams } from './rounding/weight-scale.js';

const NUMBERS = Array.from({ length: 8 }, seededRandom(11)).map((x) => Math.fround(x - 0.4));

interface Layer extends Choices {
  readonly weights?: readonly number[];
  readonly bias?: readonly number[];
  /** Scale of the layer's input. */
  readonly inputScale?: number;
}

/** A convolution of 2 channels into 2, calibrated with the input scale that is given. */
function conv({
  weights = NUMBERS.slice(0, 4),
  bias = [0.5, -0.25],
  inputScale = 0.1,
  ...choices
}: Layer = {}) {
  const prepared = preparedModel(
    `g (float[1,2,4,4] x) => (y) <float[2,2,1,1] w = {${weights.join()}}, float[2] b = {${bias.join()}}> {
      [conv] c = Conv(x, w, b) y = Relu(c)
    }`,
    choices,
  );
  calibrateWith(prepared, inputScale);
  return prepared;
}

function calibrateWith(prepared: PreparedModel, scale: number): void {
  for (const { quantizers } of prepared.groups)
    for (const node of quantizers)
      setQParams(node, { scale: Float32Array.of(scale), zeroPoint: Int32Array.of(0) });
}

function converted(prepared: PreparedModel, options: ConvertOptions = { weightSearch: 'min-max' }) {
  const diagnostics = convert(prepared, options);
  lint(prepared.module, 'convert');
  const [layer] = prepared.layers;
  return { diagnostics, weights: quantized(layer!.weightQuantizer!), bias: quantized(layer!.biasQuantizer!) };
}

/** The codes and parameters that a quantizer ended with, which must be the same on its node and its constant. */
function quantized(node: OpNode): QuantizedTensor {
  const tensor = constantTensor(node.inputs[0]);
  if (!(tensor instanceof QuantizedTensor)) throw new Error('the constant was not rounded');
  const { scale, zeroPoint, axis } = qparamsOf(node);
  expect({ scale, zeroPoint, axis }).toEqual({
    scale: tensor.qparams.scale,
    zeroPoint: tensor.qparams.zeroPoint,
    axis: tensor.qparams.axis,
  });
  return tensor;
}

const fl32 = Math.fround;

it('turns weights into the nearest codes on the scales that the search gives', () => {
  for (const weightSearch of ['mse', 'min-max'] as const) {
    const { weights } = converted(conv(), { weightSearch });
    const floats = Float32Array.from(NUMBERS.slice(0, 4));
    const options = { search: weightSearch, symmetric: true, powerOfTwo: false };
    const expected = weightQParams(floats, [2, 2, 1, 1], 0, quantGrid(4, true), options);
    expect(weights.qparams).toMatchObject(expected);
    expect(weights.codes).toEqual(quantizeTensor(floats, [2, 2, 1, 1], expected));
  }
});

it('follows the symmetry, granularity and powers of two of the layer', () => {
  const affine = converted(conv({ config: { symmetricWeights: false }, weights: [0, 1.5, 1, 0.5] })).weights;
  expect([...affine.qparams.zeroPoint]).toEqual([-8, -8]);
  expect(converted(conv({ config: { perChannel: false } })).weights.qparams.scale).toHaveLength(1);
  const { scale } = converted(conv({ config: { powerOfTwo: true } })).weights.qparams;
  expect(scale.every((value) => Number.isInteger(Math.log2(value)))).toBe(true);
});

it('makes the bias int32 at exactly fl32(s_x * s_w), rounded to nearest', () => {
  const size = fc.float({ min: fl32(1e-3), max: 10, noNaN: true });
  const number = fc.float({ min: -10, max: 10, noNaN: true }).map((x) => x + 0);
  fc.assert(
    fc.property(
      fc.array(size, { minLength: 4, maxLength: 4 }),
      fc.array(number, { minLength: 2, maxLength: 2 }),
      size,
      fc.boolean(),
      (weights, bias, inputScale, perChannel) => {
        const { bias: found, weights: w } = converted(
          conv({ weights, bias, inputScale, config: { perChannel } }),
        );
        expect(found.qparams.bits).toBe(32);
        expect(found.qparams.axis).toBe(perChannel ? 0 : undefined);
        for (const [i, value] of bias.entries()) {
          const channel = perChannel ? i : 0;
          expect(found.qparams.scale[channel]).toBe(fl32(inputScale * w.qparams.scale[channel]!));
          expect(found.qparams.zeroPoint[channel]).toBe(0);
          const exact = fl32(value / found.qparams.scale[channel]!);
          expect(Math.abs(found.codes[i]! - exact)).toBeLessThanOrEqual(0.5);
        }
      },
    ),
    { numRuns: 40 },
  );
});

it('rounds a bias on a tie to the even code', () => {
  const { bias } = converted(conv({ weights: [7.5, 0, 7.5, 0], bias: [0.25, 0.75], inputScale: 0.5 }));
  expect([...bias.qparams.scale]).toEqual([0.5, 0.5]);
  expect([...bias.codes]).toEqual([0, 2]);
});

it('raises the weight scale of a channel whose bias would pass 32 bits, and says so', () => {
  const { weights, bias, diagnostics } = converted(
    conv({ weights: [1e-6, 2e-6, 1, 2], bias: [1e4, 1], inputScale: 1e-3 }),
  );
  expect(diagnostics).toEqual([
    expect.objectContaining({ code: 'BIAS_RAISED_WEIGHT_SCALE', severity: 'warning', at: { node: 'conv' } }),
  ]);
  expect(weights.qparams.scale[1]).toBe(fl32(2 / 7.5));
  expect(bias.codes[0]).toBeGreaterThan(2 ** 31 * 0.999);
  expect(bias.data()[0]).toBeCloseTo(1e4, 1);
});

it('never clips a bias, however large', () => {
  fc.assert(
    fc.property(
      fc.float({ min: fl32(1e-7), max: 1, noNaN: true }),
      fc.float({ min: 1, max: fl32(1e20), noNaN: true }),
      fc.boolean(),
      fc.boolean(),
      (inputScale, size, perChannel, powerOfTwo) => {
        const bias = [-size, fl32(size / 3)];
        const config = { perChannel, powerOfTwo };
        const { bias: found, weights } = converted(
          conv({ weights: [1e-5, 0, 0, 0], bias, inputScale, config }),
        );
        for (const [i, value] of found.data().entries()) {
          const step = found.qparams.scale[perChannel ? i : 0]!;
          expect(Math.abs(value - bias[i]!)).toBeLessThanOrEqual(step / 2 + Math.abs(value) * 1e-6);
        }
        if (powerOfTwo)
          expect(weights.qparams.scale.every((scale) => Number.isInteger(Math.log2(scale)))).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

it.each([
  ['int8', 127],
  ['int16', 32767],
] as const)('gives an %s bias scales of its own', (form, largest) => {
  const own = converted(conv({ config: { bias: form }, bias: [0.5, -0.25] }));
  expect([...own.bias.codes]).toEqual([largest, -largest]);
  expect([...own.bias.qparams.scale]).toEqual([fl32(0.5 / largest), fl32(0.25 / largest)]);
  expect(own.bias.qparams.axis).toBe(0);
  expect(own.diagnostics).toEqual([]);
  const shared = converted(conv({ config: { bias: form, perChannel: false }, bias: [0.5, -0.25] })).bias;
  expect([...shared.qparams.scale]).toEqual([fl32(0.5 / largest)]);
  expect([...shared.codes]).toEqual([largest, largest === 127 ? -64 : -16384]);
  expect(shared.qparams.axis).toBeUndefined();
});

it('keeps a bias of zeros exact in every form', () => {
  for (const bias of ['int32', 'int16', 'int8'] as const) {
    const { bias: found } = converted(conv({ config: { bias }, bias: [0, 0] }));
    expect([...found.data()]).toEqual([0, 0]);
    expect(found.qparams.scale.every((scale) => scale > 0)).toBe(true);
  }
});

it('leaves the bias float where the input is, and says so', () => {
  const prepared = conv({ mapping: { tensors: { x: 'float' } } });
  const diagnostics = convert(prepared, { weightSearch: 'mse' });
  lint(prepared.module, 'convert');
  expect(diagnostics).toEqual([
    expect.objectContaining({ code: 'BIAS_LEFT_FLOAT', severity: 'warning', at: { node: 'conv' } }),
  ]);
  expect(outline(prepared.module)).toContain('c = Conv(x, w_quantized, b)');
});

it('keeps a weight that two layers share apart where their bits differ, and drops the float one', () => {
  const prepared = preparedModel(
    `g (float[1,2,4,4] x) => (y) <float[2,2,1,1] w = {1,2,-3,4.05}> { [a] h = Conv(x, w) [b] y = Conv(h, w) }`,
    { mapping: { names: { b: 'W8A4' } } },
  );
  calibrateWith(prepared, 0.1);
  convert(prepared, { weightSearch: 'min-max' });
  lint(prepared.module, 'convert');
  const [first, second] = prepared.layers.map(({ weightQuantizer }) => quantized(weightQuantizer!));
  expect([first!.qparams.bits, second!.qparams.bits]).toEqual([4, 8]);
  expect([...first!.codes]).toEqual([4, 7, -6, 7]);
  expect([...second!.codes]).toEqual([64, 127, -94, 127]);
  const constants = [...prepared.module.graph.nodes()].filter(
    (node) => node.kind === 'get_attr' && node.tensor.dims.length === 4,
  );
  expect(constants).toHaveLength(2);
});

it('keeps the name of a weight that one layer reads', () => {
  const prepared = conv();
  converted(prepared);
  const { weightQuantizer, biasQuantizer } = prepared.layers[0]!;
  expect([weightQuantizer!.inputs[0]!.name, biasQuantizer!.inputs[0]!.name]).toEqual(['w', 'b']);
});

it('wants calibrated inputs', () => {
  const prepared = preparedModel(
    'g (float[1,2,4,4] x) => (y) <float[2,2,1,1] w = {1,2,3,4}> { y = Conv(x, w) }',
  );
  expect(() => convert(prepared, { weightSearch: 'mse' })).toThrow(
    expect.objectContaining({
      code: 'QUANTIZER_NOT_CALIBRATED',
      at: expect.objectContaining({ value: 'x' }),
    }),
  );
});
