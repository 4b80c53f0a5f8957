import { type Diagnostic, floatData, quantizeTensor } from '@bitwright/core';
import { constantTensor, nodeName } from '@bitwright/graph';
import { layerLimit } from './accumulators.js';
import type { ConvertOptions } from './convert.js';
import { chooseWeightGrid, convertBias, inputScaleOf, setWeightCodes } from './convert-layer.js';
import { addToBias, correctLayer, type LayerCorrections } from './correct/correct-layer.js';
import type { PreparedModel } from './prepare.js';
import { heldWithin } from './rounding/hold-rows.js';
import { diagnoseLostWeights } from './rounding/lost-weights.js';
import type { DataFreeRounding, RoundingSpec } from './rounding/rounding-algorithm.js';
import { hasFixedScale, roundingSpec, setRounded } from './sequential/rounded-weights.js';
import { weightMatrix } from './sequential/weight-matrix.js';

/** As `convert`, with an algorithm that needs no data instead of the nearest codes, and with corrections that need none. */
export async function convertWithRounding(
  prepared: PreparedModel,
  {
    weightSearch,
    rounding,
    corrections,
  }: ConvertOptions & { readonly rounding: DataFreeRounding; readonly corrections?: LayerCorrections },
): Promise<Diagnostic[]> {
  const diagnostics: Diagnostic[] = [];
  for (const layer of prepared.layers) {
    const { weightQuantizer } = layer;
    if (weightQuantizer === undefined) continue;
    const tensor = constantTensor(weightQuantizer.inputs[0])!;
    const { qparams, floor } = chooseWeightGrid(layer, weightQuantizer, weightSearch, diagnostics);
    const matrix = weightMatrix(layer.anchor, nodeName(layer.anchor), tensor);
    let final = qparams;
    if (matrix === undefined) {
      setWeightCodes(weightQuantizer, quantizeTensor(floatData(tensor), tensor.dims, qparams), qparams);
    } else {
      const grid = roundingSpec(matrix, qparams, hasFixedScale(layer), floor);
      const limit = layerLimit(layer);
      const spec: RoundingSpec = { ...grid, ...(limit && { accumulator: limit }) };
      const rounded = heldWithin(matrix, spec, await rounding.round(matrix, undefined, spec));
      diagnostics.push(...diagnoseLostWeights(matrix, spec, rounded));
      const corrected =
        corrections && correctLayer(layer, { layer: matrix, spec, rounded }, undefined, corrections);
      final = setRounded(weightQuantizer, matrix, corrected?.rounded ?? rounded, qparams);
      if (corrected?.shift !== undefined) addToBias(layer, corrected.shift);
    }
    if (layer.biasQuantizer === undefined) continue;
    convertBias(layer, layer.biasQuantizer, inputScaleOf(layer.anchor), final, diagnostics);
  }
  prepared.module.graph.eliminateDeadCode();
  return diagnostics;
}
