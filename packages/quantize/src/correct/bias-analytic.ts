import { dequantizedRows } from '../rounding/dequantized-rows.js';
import type { LayerCorrection } from './correction.js';

/**
 * b += (W - Q) E[x]: what rounding the weights W to Q does to the mean of each output, undone. E[x] is not measured: a batch
 * normalization makes channels of mean beta and deviation |gamma|, and Relu or Clip behind it clips a normal variable.
 *
 * M. Nagel et al., "Data-free quantization through weight equalization and bias correction", ICCV 2019, section 4.2.
 */
export const biasAnalytic: LayerCorrection = {
  name: 'bias-analytic',
  description:
    'each bias takes up how far rounded weights move the mean, by what batch normalizations state; no data',
  stage: 'layer',
  changes: 'bias',
  needs: 'expectations',
  correct({ layer, spec, rounded }, { expected }) {
    if (typeof expected === 'string') return expected;
    const { groups, rows, columns, weights } = layer;
    const shift = new Float64Array(groups * rows);
    for (const { row, inputs, weights: own } of dequantizedRows(layer, spec, rounded)) {
      let sum = 0;
      for (let k = 0, at = row * columns; k < columns; k++, at++)
        sum += (weights[at]! - own[k]!) * expected[inputs + k]!;
      shift[row] = sum;
    }
    return shift;
  },
};
