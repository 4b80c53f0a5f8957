import { type Diagnostic, floatData, type QParams, quantizeTensor } from '@bitwright/core';
import { constantTensor, nodeName, type OpNode } from '@bitwright/graph';
import { layerLimit } from './accumulators.js';
import { chooseWeightGrid, convertBias, inputScaleOf, setWeightCodes } from './convert-layer.js';
import type { PreparedLayer, PreparedModel } from './prepare.js';
import { diagnoseLostWeights } from './rounding/lost-weights.js';
import { nearestCodes } from './rounding/nearest.js';
import { hasFixedScale, roundingSpec, setRounded } from './sequential/rounded-weights.js';
import { weightMatrix } from './sequential/weight-matrix.js';

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
    const { qparams: searched, floor } = chooseWeightGrid(
      layer,
      weightQuantizer,
      options.weightSearch,
      diagnostics,
    );
    const qparams = roundNearest(layer, weightQuantizer, searched, floor, diagnostics);
    if (layer.biasQuantizer === undefined) continue;
    convertBias(layer, layer.biasQuantizer, inputScaleOf(layer.anchor), qparams, diagnostics);
  }
  prepared.module.graph.eliminateDeadCode();
  return diagnostics;
}

/** Every weight to its nearest code, within the accumulator where one is asked for. */
function roundNearest(
  layer: PreparedLayer,
  quantizer: OpNode,
  qparams: QParams,
  floor: Float32Array | undefined,
  diagnostics: Diagnostic[],
): QParams {
  const tensor = constantTensor(quantizer.inputs[0])!;
  const limit = layerLimit(layer);
  const matrix = limit && weightMatrix(layer.anchor, nodeName(layer.anchor), tensor);
  if (matrix === undefined) {
    setWeightCodes(quantizer, quantizeTensor(floatData(tensor), tensor.dims, qparams), qparams);
    return qparams;
  }
  const spec = { ...roundingSpec(matrix, qparams, hasFixedScale(layer), floor), accumulator: limit! };
  const rounded = nearestCodes(matrix, spec);
  diagnostics.push(...diagnoseLostWeights(matrix, spec, rounded));
  return setRounded(quantizer, matrix, rounded, qparams);
}
