import { captureModel, upgradeOpset } from '@bitwright/capture';
import { DenseTensor, floatTensor, int64Tensor } from '@bitwright/core';
import { emitBytes } from '@bitwright/emit';
import { lint } from '@bitwright/graph';
import { describe, expect, it } from 'vitest';
import { type OneOp, oneOpBytes } from './one-op.js';
import { difference, feed, randomFloat, runModel } from './run-model.js';

const x = randomFloat([2, 3, 4, 5]);
const image = randomFloat([1, 2, 6, 8]);
const channel = (value: number) => floatTensor([value, value / 2, -value]);
const floats = (...values: number[]) => ({ floats: Float32Array.from(values) });

/** One operator at its old opset; all must say the same at 13, 21 and 25. */
const CASES: Readonly<Record<string, OneOp>> = {
  'Clip 6 with both bounds': {
    opset: 7,
    opType: 'Clip',
    feeds: { x },
    attributes: { min: { f: -0.5 }, max: { f: 1 } },
  },
  'Clip 6 with one bound': { opset: 9, opType: 'Clip', feeds: { x }, attributes: { max: { f: 0.25 } } },
  'Clip 6 without bounds': { opset: 10, opType: 'Clip', feeds: { x } },
  'Clip 6 of double': {
    opset: 10,
    opType: 'Clip',
    feeds: { x: feed('double', [4], [-2, -0.1, 0.1, 2]) },
    attributes: { min: { f: -1 } },
  },
  'BatchNormalization 7': {
    opset: 7,
    opType: 'BatchNormalization',
    feeds: { x },
    constants: { s: channel(2), b: channel(1), m: channel(0.5), v: floatTensor([1, 2, 3]) },
    attributes: { epsilon: { f: 0.01 }, spatial: 1 },
  },
  'BatchNormalization 9': {
    opset: 9,
    opType: 'BatchNormalization',
    feeds: { x },
    constants: { s: channel(2), b: channel(1), m: channel(0.5), v: floatTensor([1, 2, 3]) },
  },
  'BatchNormalization 7 for each activation': {
    opset: 8,
    opType: 'BatchNormalization',
    feeds: { x: randomFloat([2, 3, 2]) },
    constants: {
      s: floatTensor([1, 2, 3, 4, 5, 6], [3, 2]),
      b: floatTensor([6, 5, 4, 3, 2, 1], [3, 2]),
      m: floatTensor([0, 1, 0, 1, 0, 1], [3, 2]),
      v: floatTensor([1, 2, 1, 2, 1, 2], [3, 2]),
    },
    attributes: { spatial: 0 },
  },
  'Pad 2 with a constant': {
    opset: 7,
    opType: 'Pad',
    feeds: { x },
    attributes: { pads: [0, 0, 1, 2, 0, 0, 3, 0], value: { f: 1.5 } },
  },
  'Pad 2 by reflection': {
    opset: 9,
    opType: 'Pad',
    feeds: { x },
    attributes: { pads: [0, 0, 1, 2, 0, 0, 1, 0], mode: 'reflect' },
  },
  'Pad 11': {
    opset: 11,
    opType: 'Pad',
    feeds: { x },
    constants: { pads: int64Tensor([0, 0, 1, 0, 0, 0, 0, 2]) },
  },
  'Squeeze with axes': {
    opset: 7,
    opType: 'Squeeze',
    feeds: { x: randomFloat([1, 3, 1]) },
    attributes: { axes: [0, 2] },
  },
  'Squeeze without axes': { opset: 11, opType: 'Squeeze', feeds: { x: randomFloat([1, 3, 1]) } },
  Unsqueeze: { opset: 11, opType: 'Unsqueeze', feeds: { x }, attributes: { axes: [0, -1] } },
  'ReduceSum over axes': {
    opset: 8,
    opType: 'ReduceSum',
    feeds: { x },
    attributes: { axes: [1, 2], keepdims: 0 },
  },
  'ReduceSum over all': { opset: 11, opType: 'ReduceSum', feeds: { x } },
  'ReduceMean over axes': { opset: 13, opType: 'ReduceMean', feeds: { x }, attributes: { axes: [-1] } },
  'ReduceMean over an empty list': {
    opset: 13,
    opType: 'ReduceMean',
    feeds: { x },
    attributes: { axes: [] },
  },
  ReduceMax: { opset: 12, opType: 'ReduceMax', feeds: { x }, attributes: { axes: [0] } },
  ReduceMin: { opset: 11, opType: 'ReduceMin', feeds: { x }, attributes: { axes: [0], keepdims: 0 } },
  ReduceProd: { opset: 7, opType: 'ReduceProd', feeds: { x }, attributes: { axes: [2] } },
  ReduceL1: { opset: 7, opType: 'ReduceL1', feeds: { x }, attributes: { axes: [2] } },
  ReduceL2: { opset: 7, opType: 'ReduceL2', feeds: { x }, attributes: { axes: [2] } },
  ReduceSumSquare: { opset: 7, opType: 'ReduceSumSquare', feeds: { x } },
  ReduceLogSumExp: { opset: 7, opType: 'ReduceLogSumExp', feeds: { x }, attributes: { axes: [3] } },
  'Upsample 7 nearest': {
    opset: 7,
    opType: 'Upsample',
    feeds: { x: image },
    attributes: { scales: floats(1, 1, 2, 1.5), mode: 'nearest' },
  },
  'Upsample 9 nearest': {
    opset: 9,
    opType: 'Upsample',
    feeds: { x: image },
    constants: { scales: floatTensor([1, 1, 2.3, 3]) },
  },
  'Upsample 9 linear': {
    opset: 9,
    opType: 'Upsample',
    feeds: { x: image },
    constants: { scales: floatTensor([1, 1, 2.5, 3]) },
    attributes: { mode: 'linear' },
  },
  'Resize 10 nearest, growing': {
    opset: 10,
    opType: 'Resize',
    feeds: { x: image },
    constants: { scales: floatTensor([1, 1, 1.7, 2]) },
  },
  'Resize 10 nearest, shrinking': {
    opset: 10,
    opType: 'Resize',
    feeds: { x: image },
    constants: { scales: floatTensor([1, 1, 0.6, 0.45]) },
  },
  'Resize 10 nearest, growing one axis and shrinking another': {
    opset: 10,
    opType: 'Resize',
    feeds: { x: image },
    constants: { scales: floatTensor([1, 1, 0.6, 2.4]) },
  },
  'Resize 10 linear': {
    opset: 10,
    opType: 'Resize',
    feeds: { x: image },
    constants: { scales: floatTensor([1, 1, 0.6, 2]) },
    attributes: { mode: 'linear' },
  },
  'Resize 11 by sizes with empty scales': {
    opset: 11,
    opType: 'Resize',
    feeds: { x: image },
    constants: { roi: floatTensor([]), scales: floatTensor([]), sizes: int64Tensor([1, 2, 9, 5]) },
    attributes: { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
  },
  'Resize 11 by the rule of TensorFlow 1': {
    opset: 11,
    opType: 'Resize',
    feeds: { x: image },
    constants: { roi: floatTensor([]), scales: floatTensor([1, 1, 1.6, 0.7]) },
    attributes: {
      mode: 'nearest',
      coordinate_transformation_mode: 'tf_half_pixel_for_nn',
      nearest_mode: 'floor',
    },
  },
  'Resize 11 cubic': {
    opset: 12,
    opType: 'Resize',
    feeds: { x: image },
    constants: { roi: floatTensor([]), scales: floatTensor([1, 1, 1.5, 1.5]) },
    attributes: { mode: 'cubic', cubic_coeff_a: { f: -0.5 } },
  },
  'Dropout 7': { opset: 7, opType: 'Dropout', feeds: { x }, attributes: { ratio: { f: 0.3 } } },
  'Dropout 10 with its mask': {
    opset: 10,
    opType: 'Dropout',
    feeds: { x },
    attributes: { ratio: { f: 0.3 } },
    outputs: ['y', 'mask'],
  },
  'Slice 1': {
    opset: 7,
    opType: 'Slice',
    feeds: { x },
    attributes: { starts: [1, -3], ends: [3, 1000], axes: [2, 3] },
  },
  'Slice 1 without axes': {
    opset: 9,
    opType: 'Slice',
    feeds: { x },
    attributes: { starts: [0, 1], ends: [1, 3] },
  },
  'TopK 1': { opset: 9, opType: 'TopK', feeds: { x }, attributes: { k: 2, axis: 1 }, outputs: ['y', 'i'] },
  'TopK 10': {
    opset: 10,
    opType: 'TopK',
    feeds: { x },
    constants: { k: int64Tensor([3]) },
    outputs: ['y', 'i'],
  },
  'Softmax 1 over a matrix': { opset: 7, opType: 'Softmax', feeds: { x: randomFloat([4, 5]) } },
  'Softmax 1 over three axes': { opset: 9, opType: 'Softmax', feeds: { x } },
  'Softmax 1 over all': { opset: 9, opType: 'Softmax', feeds: { x }, attributes: { axis: 0 } },
  'Softmax 1 over the last axis': { opset: 9, opType: 'Softmax', feeds: { x }, attributes: { axis: 3 } },
  'Softmax 1 before axes of size one': {
    opset: 9,
    opType: 'Softmax',
    feeds: { x: randomFloat([2, 5, 1, 1]) },
  },
  'Softmax 11 at a negative axis': { opset: 11, opType: 'Softmax', feeds: { x }, attributes: { axis: -2 } },
  'Softmax 11 of unknown rank': { opset: 11, opType: 'Softmax', feeds: { x }, openShapes: true },
  'Softmax 11 at the last axis of unknown rank': {
    opset: 11,
    opType: 'Softmax',
    feeds: { x },
    attributes: { axis: -1 },
    openShapes: true,
  },
  'LogSoftmax 1': { opset: 9, opType: 'LogSoftmax', feeds: { x }, attributes: { axis: 2 } },
  'Hardmax 1': { opset: 9, opType: 'Hardmax', feeds: { x }, attributes: { axis: 2 } },
  'Split 2 by sizes': {
    opset: 9,
    opType: 'Split',
    feeds: { x },
    attributes: { split: [1, 2], axis: 1 },
    outputs: ['a', 'b'],
  },
  'Split 2 evenly': {
    opset: 11,
    opType: 'Split',
    feeds: { x },
    attributes: { axis: 2 },
    outputs: ['a', 'b'],
  },
  'Split 13 evenly': {
    opset: 13,
    opType: 'Split',
    feeds: { x },
    attributes: { axis: 2 },
    outputs: ['a', 'b'],
  },
  'Gemm 7': {
    opset: 7,
    opType: 'Gemm',
    feeds: { a: randomFloat([2, 3]) },
    constants: { b: floatTensor([1, 2, 3, 4, 5, 6], [3, 2]), c: floatTensor([1, 2]) },
    attributes: { alpha: { f: 0.5 } },
  },
  'Gemm 11 without C': {
    opset: 11,
    opType: 'Gemm',
    feeds: { a: randomFloat([2, 3]) },
    constants: { b: floatTensor([1, 2, 3, 4, 5, 6], [2, 3]) },
    attributes: { transB: 1 },
  },
  'AveragePool 7': {
    opset: 7,
    opType: 'AveragePool',
    feeds: { x },
    attributes: { kernel_shape: [2, 2], pads: [1, 1, 0, 0], count_include_pad: 1 },
  },
  'AveragePool 10 with ceiling': {
    opset: 10,
    opType: 'AveragePool',
    feeds: { x },
    attributes: { kernel_shape: [2, 2], strides: [3, 3], ceil_mode: 1 },
  },
  'MaxPool 8 with indices': {
    opset: 8,
    opType: 'MaxPool',
    feeds: { x },
    attributes: { kernel_shape: [2, 2] },
    outputs: ['y', 'i'],
  },
  'MaxPool 10 dilated': {
    opset: 10,
    opType: 'MaxPool',
    feeds: { x },
    attributes: { kernel_shape: [2, 2], dilations: [2, 2], ceil_mode: 1 },
  },
  'LpPool 2': { opset: 7, opType: 'LpPool', feeds: { x }, attributes: { kernel_shape: [2, 2], p: 2 } },
  'LSTM 7': {
    opset: 7,
    opType: 'LSTM',
    feeds: { x: randomFloat([3, 1, 2]), w: randomFloat([1, 12, 2], 2), r: randomFloat([1, 12, 3], 3) },
    attributes: { hidden_size: 3 },
    outputs: ['y', 'h', 'c'],
  },
  'GRU 7 both ways': {
    opset: 7,
    opType: 'GRU',
    feeds: { x: randomFloat([3, 1, 2]), w: randomFloat([2, 9, 2], 2), r: randomFloat([2, 9, 3], 3) },
    attributes: { hidden_size: 3, direction: 'bidirectional', linear_before_reset: 1 },
    outputs: ['y', 'h'],
  },
  'RNN 7': {
    opset: 7,
    opType: 'RNN',
    feeds: { x: randomFloat([3, 1, 2]), w: randomFloat([1, 3, 2], 2), r: randomFloat([1, 3, 3], 3) },
    attributes: { hidden_size: 3 },
    outputs: ['', 'h'],
  },
  'Add 7': { opset: 7, opType: 'Add', feeds: { x }, constants: { c: floatTensor([1, 2, 3, 4, 5]) } },
  'Pow 7': { opset: 7, opType: 'Pow', feeds: { x }, constants: { c: floatTensor([2]) } },
  'Equal 7': {
    opset: 7,
    opType: 'Equal',
    feeds: { x: feed('int64', [3], [1, 2, 3]) },
    constants: { c: int64Tensor([1, 0, 3]) },
  },
  Scatter: {
    opset: 9,
    opType: 'Scatter',
    feeds: { x: randomFloat([3, 3]) },
    constants: { i: int64Tensor([0, 2, 1], [1, 3]), u: floatTensor([9, 8, 7], [1, 3]) },
    attributes: { axis: 0 },
  },
  'Gather 1': {
    opset: 7,
    opType: 'Gather',
    feeds: { x },
    constants: { i: int64Tensor([2, 0]) },
    attributes: { axis: 1 },
  },
  'ArgMax 7': { opset: 7, opType: 'ArgMax', feeds: { x }, attributes: { axis: 2, keepdims: 0 } },
  'Flatten 7': { opset: 7, opType: 'Flatten', feeds: { x }, attributes: { axis: 2 } },
  'Reshape 7': { opset: 7, opType: 'Reshape', feeds: { x }, constants: { s: int64Tensor([0, -1, 5]) } },
  'Cast 7': { opset: 7, opType: 'Cast', feeds: { x }, attributes: { to: 7 } },
  'PRelu 7': {
    opset: 7,
    opType: 'PRelu',
    feeds: { x },
    constants: { s: floatTensor([0.1, 0.2, 0.3], [3, 1, 1]) },
  },
  'Mod 10': {
    opset: 10,
    opType: 'Mod',
    feeds: { x },
    constants: { c: floatTensor([0.7]) },
    attributes: { fmod: 1 },
  },
  'QuantizeLinear 10': {
    opset: 10,
    opType: 'QuantizeLinear',
    feeds: { x },
    constants: { s: floatTensor([0.02], []), z: new DenseTensor('uint8', [], Uint8Array.of(128)) },
  },
  'DequantizeLinear 10': {
    opset: 10,
    opType: 'DequantizeLinear',
    feeds: { x: feed('uint8', [4], [0, 100, 200, 255]) },
    constants: { s: floatTensor([0.02], []), z: new DenseTensor('uint8', [], Uint8Array.of(128)) },
  },
  'DequantizeLinear 13 for each channel': {
    opset: 13,
    opType: 'DequantizeLinear',
    feeds: { x: feed('int8', [2, 2], [-100, 100, 3, -4]) },
    constants: { s: floatTensor([0.02, 0.5]), z: new DenseTensor('int8', [2], Int8Array.of(0, 1)) },
    attributes: { axis: 0 },
  },
  'RoiAlign 10': {
    opset: 10,
    opType: 'RoiAlign',
    feeds: { x: image },
    constants: { rois: floatTensor([0.3, 0.4, 4.2, 5.1], [1, 4]), batch: int64Tensor([0]) },
    attributes: { output_height: 2, output_width: 2 },
  },
  'GridSample 16 bilinear': {
    opset: 16,
    opType: 'GridSample',
    feeds: { x: image, grid: randomFloat([1, 3, 3, 2], 5) },
    attributes: { mode: 'bilinear', padding_mode: 'border' },
  },
  'GridSample 16 bicubic': {
    opset: 16,
    opType: 'GridSample',
    feeds: { x: image, grid: randomFloat([1, 3, 3, 2], 5) },
    attributes: { mode: 'bicubic', align_corners: 1 },
  },
  'GridSample 16 by default': {
    opset: 16,
    opType: 'GridSample',
    feeds: { x: image, grid: randomFloat([1, 3, 3, 2], 5) },
  },
  'DFT 17': { opset: 17, opType: 'DFT', feeds: { x: randomFloat([1, 6, 4, 1]) } },
  'DFT 17 along an axis': {
    opset: 17,
    opType: 'DFT',
    feeds: { x: randomFloat([1, 6, 4, 1]) },
    attributes: { axis: 2, onesided: 1 },
  },
  'GroupNormalization 18': {
    opset: 18,
    opType: 'GroupNormalization',
    feeds: { x: randomFloat([2, 4, 3]) },
    constants: { s: floatTensor([1, 2]), b: floatTensor([-1, 3]) },
    attributes: { num_groups: 2 },
  },
  'GroupNormalization 18 of unknown shape': {
    opset: 18,
    opType: 'GroupNormalization',
    feeds: { x: randomFloat([2, 4, 3]) },
    constants: { s: floatTensor([1, 2]), b: floatTensor([-1, 3]) },
    attributes: { num_groups: 2 },
    openShapes: true,
  },
};

describe('upgradeOpset keeps what an operator computes', () => {
  const cases = Object.entries(CASES).flatMap(([name, op]) =>
    [13, 21, 25].filter((target) => target > op.opset).map((target) => ({ name, op, target })),
  );

  it.each(cases)('$name to $target', async ({ op, target }) => {
    const before = oneOpBytes(op);
    const { module, diagnostics } = upgradeOpset(captureModel(before), target);
    lint(module, 'upgradeOpset');
    expect(diagnostics).toEqual([]);
    const after = emitBytes(module);
    expect(captureModel(after).opset).toBe(target);
    const expected = await runModel(before, op.feeds);
    expect(difference(expected, await runModel(after, op.feeds), 1e-6)).toBeUndefined();
  });
});
