import { DenseTensor, elementCount, seededRandom } from '@bitwright/core';
import { constantTensor, type GraphModule, type OpNode, parseModule } from '@bitwright/graph';
import { openOrtNode } from '@bitwright/runtime';
import { expect, it } from 'vitest';
import { openSpillFile } from '../node/spill-file.js';
import type { RoundingLayer, RoundingStatistics } from '../rounding/rounding-algorithm.js';
import { ActivationStore } from './activation-store.js';
import { collectStatistics } from './layer-statistics.js';
import { NetworkPair } from './segment.js';
import { weightMatrix } from './weight-matrix.js';

/** One layer, its input of fixed size per sample, weights as the second input. */
const LAYERS: readonly (readonly [name: string, x: readonly number[], w: readonly number[], call: string])[] =
  [
    ['Conv', [3, 7, 6], [4, 3, 3, 3], 'Conv<pads=[1,1,1,1]>(x, w)'],
    ['Conv, strides, uneven pads', [2, 9, 8], [5, 2, 3, 2], 'Conv<pads=[0,1,2,0], strides=[2,3]>(x, w)'],
    ['Conv, dilated', [2, 9, 9], [3, 2, 3, 3], 'Conv<dilations=[2,3], pads=[2,2,2,2]>(x, w)'],
    ['Conv, groups', [6, 5, 5], [4, 3, 3, 3], 'Conv<group=2, pads=[1,1,1,1]>(x, w)'],
    ['Conv, depthwise', [4, 6, 6], [4, 1, 3, 3], 'Conv<group=4, strides=[2,2], pads=[1,1,1,1]>(x, w)'],
    ['Conv, SAME', [2, 7, 7], [3, 2, 4, 4], 'Conv<auto_pad="SAME_UPPER", strides=[2,2]>(x, w)'],
    ['Conv, pointwise', [5, 4, 4], [3, 5, 1, 1], 'Conv(x, w)'],
    ['Conv, 1d', [3, 11], [4, 3, 5], 'Conv<pads=[2,2]>(x, w)'],
    ['Conv, 3d', [2, 4, 5, 6], [3, 2, 2, 3, 2], 'Conv<pads=[1,0,1,0,1,0]>(x, w)'],
    [
      'ConvTranspose',
      [3, 4, 5],
      [3, 4, 3, 3],
      'ConvTranspose<strides=[2,2], pads=[1,0,1,1], output_padding=[1,0]>(x, w)',
    ],
    ['ConvTranspose, groups', [4, 4, 4], [4, 3, 2, 2], 'ConvTranspose<group=2, strides=[2,1]>(x, w)'],
    ['ConvTranspose, 1d', [3, 6], [3, 2, 3], 'ConvTranspose(x, w)'],
    ['Gemm', [6], [6, 4], 'Gemm(x, w)'],
    ['Gemm, transposed weights', [6], [4, 6], 'Gemm<transB=1>(x, w)'],
    ['MatMul', [5, 6], [6, 4], 'MatMul(x, w)'],
  ];

const SAMPLES = 6;

it.each(LAYERS)('%s: what the unfolded input gives is what the layer gives', async (_, x, w, call) => {
  const { layer, statistics } = await statisticsOf(x, w, call);
  const { groups, rows, columns, weights } = layer;
  expect(statistics.count).toBeGreaterThan(0);
  for (let row = 0; row < groups * rows; row++) {
    const group = Math.floor(row / rows);
    const own = weights.subarray(row * columns, (row + 1) * columns);
    const product = (vector: Float64Array): number =>
      own.reduce((sum, weight, k) => sum + weight * vector[k]!, 0);
    // the two networks are the same here, so that T = W H, the mean of Y is W times that of X, and |Y|^2 = W H W^T
    const expected = Float64Array.from({ length: columns }, (__, k) =>
      product(statistics.gram.subarray((group * columns + k) * columns, (group * columns + k + 1) * columns)),
    );
    for (let k = 0; k < columns; k++)
      expect(statistics.target[row * columns + k]).toBeCloseTo(expected[k]!, 4);
    const means = statistics.inputMean.subarray(group * columns, (group + 1) * columns);
    expect(statistics.outputMean[row]).toBeCloseTo(product(means), 4);
    expect(statistics.outputSquare[row]).toBeCloseTo(product(expected), 3);
    expect(statistics.outputSquare[row]).toBeGreaterThan(0);
  }
});

it('sums the same to the last bit every time', async () => {
  const one = await statisticsOf([3, 7, 6], [4, 3, 3, 3], 'Conv(x, w)');
  const two = await statisticsOf([3, 7, 6], [4, 3, 3, 3], 'Conv(x, w)');
  expect(two.statistics).toEqual(one.statistics);
});

it('keeps small outputs of large inputs: single precision has no digits left for them', async () => {
  // inputs of about 100 and weights that take their differences: W H W^T is 1e-6 of what it is a sum of
  const weights = Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 1 : -1));
  const { statistics } = await statisticsOf([16, 96, 96], [1, 16, 1, 1], 'Conv(x, w)', 100, weights);
  let power = 0;
  for (let i = 0; i < 16; i++)
    for (let k = 0; k < 16; k++) power += weights[i]! * statistics.gram[i * 16 + k]! * weights[k]!;
  expect(power / statistics.outputSquare[0]!).toBeCloseTo(1, 3);
});

async function statisticsOf(
  x: readonly number[],
  w: readonly number[],
  call: string,
  offset = 0,
  weights?: readonly number[],
): Promise<{ layer: RoundingLayer; statistics: RoundingStatistics }> {
  const random = seededRandom(elementCount(w));
  const module = moduleOf(x, w, call, weights);
  const anchor = [...module.graph.ops()][0] as OpNode;
  const layer = weightMatrix(anchor, 'layer', constantTensor(anchor.inputs[1])!)!;
  const store = new ActivationStore(1e9, openSpillFile);
  for (let chunk = 0; chunk < 2; chunk++) {
    const dims = [SAMPLES / 2, ...x];
    const data = Float32Array.from({ length: elementCount(dims) }, () => random() - 0.3 + offset);
    store.append('float', 'x', new DenseTensor('float', dims, data));
  }
  const value = module.graph.inputs[0]!;
  const statistics = await collectStatistics(
    {
      networks: new NetworkPair(module),
      store,
      open: (bytes, options) => openOrtNode(bytes, { ...options, threads: 2 }),
      cut: [{ value, dtype: 'float', shape: [undefined, ...x] }],
    },
    anchor,
    layer,
  );
  return { layer, statistics };
}

function moduleOf(
  x: readonly number[],
  w: readonly number[],
  call: string,
  values?: readonly number[],
): GraphModule {
  const random = seededRandom(elementCount(x));
  const drawn = Array.from({ length: elementCount(w) }, () => (random() - 0.5).toFixed(4));
  const weights = (values ?? drawn).join(',');
  return parseModule(
    `<ir_version: 8, opset_import: ["": 17]> g (float[N,${x.join(',')}] x) => (float y) <float[${w.join(',')}] w = {${weights}}> { y = ${call} }`,
  );
}
