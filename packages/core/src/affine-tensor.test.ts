import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  channelLayout,
  dequantizeTensor,
  fakeQuantizeTensor,
  type QParams,
  quantGrid,
  quantizeTensor,
  quantizeValue,
  rangeToQParams,
} from './affine.js';

/** Random data of a random shape with parameters per tensor or for one axis. */
const cases = fc
  .record({
    dims: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
    axisPick: fc.option(fc.nat()),
    bits: fc.constantFrom(2, 3, 4, 8, 16),
    symmetric: fc.boolean(),
    seed: fc.integer({ min: 1, max: 2 ** 31 }),
  })
  .map(({ dims, axisPick, bits, symmetric, seed }) => {
    let state = seed;
    const next = (): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state / 2 ** 32 - 0.4) * 3;
    };
    const axis = axisPick === null ? undefined : axisPick % dims.length;
    const count = dims.reduce((product, dim) => product * dim, 1);
    const x = Float32Array.from({ length: count }, next);
    const grid = quantGrid(bits, symmetric);
    const channels = axis === undefined ? 1 : dims[axis]!;
    const params = Array.from({ length: channels }, () =>
      rangeToQParams(next(), next(), grid, { symmetric }),
    );
    const qparams: QParams = {
      ...grid,
      scale: Float32Array.from(params, ({ scale }) => scale),
      zeroPoint: Int32Array.from(params, ({ zeroPoint }) => zeroPoint),
      ...(axis !== undefined && { axis }),
    };
    return { dims, x, qparams };
  });

/** The channel of a flat index, by taking the index apart dimension by dimension. */
function channelOf(flat: number, dims: readonly number[], axis: number | undefined): number {
  if (axis === undefined) return 0;
  let rest = flat;
  let index = 0;
  for (let i = dims.length - 1; i >= axis; i--) {
    index = rest % dims[i]!;
    rest = Math.floor(rest / dims[i]!);
  }
  return index;
}

it('lays channels out', () => {
  expect(channelLayout([2, 3, 4, 5], undefined)).toEqual({ outer: 1, channels: 1, inner: 120 });
  expect(channelLayout([2, 3, 4, 5], 0)).toEqual({ outer: 1, channels: 2, inner: 60 });
  expect(channelLayout([2, 3, 4, 5], 1)).toEqual({ outer: 2, channels: 3, inner: 20 });
  expect(channelLayout([2, 3, 4, 5], 3)).toEqual({ outer: 24, channels: 5, inner: 1 });
  expect(channelLayout([], undefined)).toEqual({ outer: 1, channels: 1, inner: 1 });
});

it('quantizes every element with the parameters of its channel', () => {
  fc.assert(
    fc.property(cases, ({ dims, x, qparams }) => {
      const expected = Int32Array.from(x, (value, i) => {
        const channel = channelOf(i, dims, qparams.axis);
        return quantizeValue(value, qparams.scale[channel]!, qparams.zeroPoint[channel]!, qparams);
      });
      expect(quantizeTensor(x, dims, qparams)).toEqual(expected);
    }),
  );
});

it('dequantizes every element with the parameters of its channel, in float32', () => {
  fc.assert(
    fc.property(cases, ({ dims, x, qparams }) => {
      const codes = quantizeTensor(x, dims, qparams);
      const expected = Float32Array.from(codes, (code, i) => {
        const channel = channelOf(i, dims, qparams.axis);
        return Math.fround(Math.fround(code - qparams.zeroPoint[channel]!) * qparams.scale[channel]!);
      });
      expect(dequantizeTensor(codes, dims, qparams)).toEqual(expected);
      expect(fakeQuantizeTensor(x, dims, qparams)).toEqual(expected);
    }),
  );
});

it('leaves values on the grid where they are', () => {
  fc.assert(
    fc.property(cases, ({ dims, x, qparams }) => {
      const once = fakeQuantizeTensor(x, dims, qparams);
      expect(fakeQuantizeTensor(once, dims, qparams)).toEqual(once);
      expect(quantizeTensor(once, dims, qparams)).toEqual(quantizeTensor(x, dims, qparams));
    }),
  );
});

it('torch mode multiplies by the rounded reciprocal', () => {
  fc.assert(
    fc.property(cases, ({ dims, x, qparams }) => {
      const expected = Float32Array.from(x, (value, i) => {
        const channel = channelOf(i, dims, qparams.axis);
        const inverse = Math.fround(1 / qparams.scale[channel]!);
        const zeroPoint = qparams.zeroPoint[channel]!;
        // a code of 1 * scale 1 in ONNX mode is plain rounding, which the tests of quantizeValue cover
        const code = quantizeValue(Math.fround(value * inverse), 1, zeroPoint, qparams);
        return (code - zeroPoint) * qparams.scale[channel]!;
      });
      expect(fakeQuantizeTensor(x, dims, qparams, 'torch')).toEqual(expected);
    }),
  );
});

it('torch and ONNX differ at ties, by one step, and nowhere else', () => {
  const scale = Math.fround(0.0123);
  const qparams: QParams = {
    ...quantGrid(8, true),
    scale: Float32Array.of(scale),
    zeroPoint: Int32Array.of(0),
  };
  const ties = Float32Array.from({ length: 200 }, (_, i) => (i - 100 + 0.5) * scale);
  const onnx = fakeQuantizeTensor(ties, [200], qparams);
  const torch = fakeQuantizeTensor(ties, [200], qparams, 'torch');
  const different = [...onnx.keys()].filter((i) => onnx[i] !== torch[i]);
  expect(different.length).toBeGreaterThan(0);
  for (const i of different) expect(Math.abs(onnx[i]! - torch[i]!)).toBeCloseTo(scale, 6);
  const between = ties.map((value) => value + scale * 0.2);
  expect(fakeQuantizeTensor(between, [200], qparams, 'torch')).toEqual(
    fakeQuantizeTensor(between, [200], qparams),
  );
});
