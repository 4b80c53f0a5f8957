import { quantGrid, seededRandom } from '@bitwright/core';
import type { MatrixProduct } from '../src/rounding/matrix-product.js';
import type {
  Rounded,
  RoundingLayer,
  RoundingSpec,
  RoundingStatistics,
} from '../src/rounding/rounding-algorithm.js';
import { ScaleLayout } from '../src/rounding/scale-layout.js';

/** A normally distributed number. */
export function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A layer of one group whose inputs are correlated, with exact statistics. */
export function randomProblem(choice: { rows: number; columns: number; bits: number; seed: number }): {
  layer: RoundingLayer;
  statistics: RoundingStatistics;
  spec: RoundingSpec;
} {
  const { rows, columns, bits, seed } = choice;
  const random = seededRandom(seed);
  const weights = Float64Array.from({ length: rows * columns }, () => gaussian(random) * 0.1);
  const count = columns * 8;
  const gram = new Float64Array(columns * columns);
  const target = new Float64Array(rows * columns);
  const inputMean = new Float64Array(columns);
  const outputMean = new Float64Array(rows);
  const outputSquare = new Float64Array(rows);
  for (let sample = 0; sample < count; sample++) {
    const common = gaussian(random);
    const x = Float64Array.from({ length: columns }, () => Math.max(0, common + 0.5 * gaussian(random)));
    const y = Float64Array.from({ length: rows }, (_, row) => dot(weights, row * columns, x));
    for (let i = 0; i < columns; i++) {
      inputMean[i]! += x[i]! / count;
      for (let j = 0; j < columns; j++) gram[i * columns + j]! += (x[i]! * x[j]!) / count;
    }
    for (let row = 0; row < rows; row++) {
      outputMean[row]! += y[row]! / count;
      outputSquare[row]! += y[row]! ** 2 / count;
      for (let j = 0; j < columns; j++) target[row * columns + j]! += (y[row]! * x[j]!) / count;
    }
  }
  const { quantMin, quantMax } = quantGrid(bits, true);
  const scale = Float64Array.from({ length: rows }, (_, row) => {
    const own = weights.subarray(row * columns, (row + 1) * columns);
    return own.reduce((largest, weight) => Math.max(largest, Math.abs(weight)), 0) / (2 ** (bits - 1) - 0.5);
  });
  return {
    layer: { name: 'layer', groups: 1, rows, columns, taps: 1, weights },
    statistics: { gram, target, inputMean, outputMean, outputSquare, count },
    spec: {
      low: new Int32Array(rows).fill(quantMin),
      high: new Int32Array(rows).fill(quantMax),
      scale,
      fixedScale: false,
    },
  };
}

/** The summed mean square of Y - Q Xh over the outputs of the first group. */
export function squaredError(
  layer: RoundingLayer,
  statistics: RoundingStatistics,
  spec: RoundingSpec,
  { codes, scale }: Rounded,
): number {
  const { rows, columns } = layer;
  const layout = new ScaleLayout(layer, spec);
  let error = 0;
  for (let row = 0; row < rows; row++) {
    const q = Float64Array.from(
      { length: columns },
      (_, k) => codes[row * columns + k]! * scale[layout.indexOf(row, k)]!,
    );
    error += statistics.outputSquare[row]!;
    for (let k = 0; k < columns; k++)
      error += q[k]! * (dot(statistics.gram, k * columns, q) - 2 * statistics.target[row * columns + k]!);
  }
  return error;
}

function dot(a: Float64Array, from: number, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < b.length; k++) sum += a[from + k]! * b[k]!;
  return sum;
}

/** Products in plain loops. */
export const PLAIN_PRODUCT: MatrixProduct = {
  timesTransposed: (a, b, m, k, n) => {
    const c = new Float64Array(m * n);
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) for (let l = 0; l < k; l++) c[i * n + j]! += a[i * k + l]! * b[j * k + l]!;
    return Promise.resolve(c);
  },
  times: (a, b, m, k, n) => {
    const c = new Float64Array(m * n);
    for (let i = 0; i < m; i++)
      for (let l = 0; l < k; l++) for (let j = 0; j < n; j++) c[i * n + j]! += a[i * k + l]! * b[l * n + j]!;
    return Promise.resolve(c);
  },
};
