import { dequantizedRows } from '../rounding/dequantized-rows.js';
import type { LayerCorrection } from './correction.js';

/**
 * b += E[y] - Q E[x]: the mean of each output channel in the float network, less what the rounded weights Q make of the mean
 * input behind the quantized layers. Both are measured, so the errors of all layers before are in it.
 */
export const biasEmpirical: LayerCorrection = {
  name: 'bias-empirical',
  description: 'each bias takes up how far the mean of its output is measured to have moved',
  stage: 'layer',
  changes: 'bias',
  needs: 'statistics',
  correct({ layer, spec, rounded }, { statistics }) {
    if (statistics === undefined) return 'nothing was measured of the layer';
    const { inputMean, outputMean } = statistics;
    const shift = Float64Array.from(outputMean);
    for (const { row, inputs, weights } of dequantizedRows(layer, spec, rounded))
      for (let k = 0; k < weights.length; k++) shift[row]! -= weights[k]! * inputMean[inputs + k]!;
    return shift;
  },
};
