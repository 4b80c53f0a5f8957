import { ScaleLayout } from '../rounding/scale-layout.js';
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
  correct({ layer, spec, rounded: { codes, scale } }, { statistics }) {
    if (statistics === undefined) return 'nothing was measured of the layer';
    const { groups, rows, columns } = layer;
    const layout = new ScaleLayout(layer, spec);
    const steps = new Float64Array(columns);
    const shift = new Float64Array(groups * rows);
    for (let row = 0; row < groups * rows; row++) {
      layout.fillRow(steps, row, scale);
      const inputs = Math.floor(row / rows) * columns;
      let sum = statistics.outputMean[row]!;
      for (let k = 0; k < columns; k++)
        sum -= codes[row * columns + k]! * steps[k]! * statistics.inputMean[inputs + k]!;
      shift[row] = sum;
    }
    return shift;
  },
};
