import { type Diagnostic, floatData, quantizeTensor } from '@bitwright/core';
import { constantTensor } from '@bitwright/graph';
import { chooseWeightGrid, convertBias, inputScaleOf, setWeightCodes } from './convert-layer.js';
import type { PreparedModel } from './prepare.js';

/** How conversion rounds. */
export interface ConvertOptions {
  readonly weightSearch: 'mse' | 'min-max';
}

/**
 * Turns a calibrated model into a quantized one, in place: weights become their nearest codes, biases int32 at s_x * s_w
 * (or int16/int8 at scales of their own). The nodes stay those of the private dialect until one is lowered.
 *
 * @returns what is worth telling, e.g. scales that were raised so that a bias fits.
 */
export function convert(prepared: PreparedModel, options: ConvertOptions): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const layer of prepared.layers) {
    const { weightQuantizer } = layer;
    if (weightQuantizer === undefined) continue;
    const { qparams } = chooseWeightGrid(layer, weightQuantizer, options.weightSearch, diagnostics);
    const tensor = constantTensor(weightQuantizer.inputs[0])!;
    setWeightCodes(weightQuantizer, quantizeTensor(floatData(tensor), tensor.dims, qparams), qparams);
    if (layer.biasQuantizer === undefined) continue;
    convertBias(layer, layer.biasQuantizer, inputScaleOf(layer.anchor), qparams, diagnostics);
  }
  prepared.module.graph.eliminateDeadCode();
  return diagnostics;
}
