import { dequantizedRows } from '../rounding/dequantized-rows.js';
import type { LayerCorrection } from './correction.js';

/** Outputs that vary less, relative to their mean square, are constants with noise. */
const LEAST_VARIANCE = 1e-9;

/**
 * s *= sigma_y / sigma_q: each output channel's weight scale, so that the channel varies behind the quantized layers as much as it
 * does in the float network. The means follow by the correction of biases. Codes stay, no operator is added.
 *
 *     sigma_y^2 = E[y^2] - E[y]^2,  sigma_q^2 = q H q^T - (q E[x])^2
 */
export const statisticsCorrection: LayerCorrection = {
  name: 'statistics',
  description:
    'weight scales and biases bring deviation and mean of each output channel to those of the float network',
  stage: 'layer',
  changes: 'weight-scale',
  needs: 'statistics',
  correct({ layer, spec, rounded }, { statistics }) {
    if (statistics === undefined) return 'nothing was measured of the layer';
    const { groups, rows, columns } = layer;
    const { gram, inputMean, outputMean, outputSquare } = statistics;
    const factors = new Float64Array(groups * rows).fill(1);
    for (const { row, group, inputs, weights } of dequantizedRows(layer, spec, rounded)) {
      let mean = 0;
      for (let k = 0; k < columns; k++) mean += weights[k]! * inputMean[inputs + k]!;
      const square = quadraticForm(weights, gram, group * columns * columns);
      const [wanted, found] = [outputSquare[row]! - outputMean[row]! ** 2, square - mean ** 2];
      if (wanted > LEAST_VARIANCE * outputSquare[row]! && found > LEAST_VARIANCE * square)
        factors[row] = Math.sqrt(wanted / found);
    }
    return factors;
  },
};

/** w H w^T of a symmetric H that begins at `base`. */
function quadraticForm(w: Float64Array, h: Float64Array, base: number): number {
  const size = w.length;
  let total = 0;
  for (let i = 0; i < size; i++) {
    if (w[i] === 0) continue;
    const first = base + i * size;
    let sum = 0;
    for (let j = 0; j < i; j++) sum += h[first + j]! * w[j]!;
    total += w[i]! * (2 * sum + h[first + i]! * w[i]!);
  }
  return total;
}
