import { type Diagnostic, floatData, quantizeTensor } from '@bitwright/core';
import { constantTensor, nodeName } from '@bitwright/graph';
import type { ConvertOptions } from './convert.js';
import { chooseWeightGrid, convertBias, inputScaleOf, setWeightCodes } from './convert-layer.js';
import type { PreparedModel } from './prepare.js';
import type { DataFreeRounding } from './rounding/rounding-algorithm.js';
import { hasFixedScale, roundingSpec, setRounded } from './sequential/rounded-weights.js';
import { weightMatrix } from './sequential/weight-matrix.js';

/** As `convert`, with an algorithm that needs no data instead of the nearest codes. */
export async function convertWithRounding(
  prepared: PreparedModel,
  { weightSearch, rounding }: ConvertOptions & { readonly rounding: DataFreeRounding },
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
      const spec = roundingSpec(matrix, qparams, hasFixedScale(layer), floor);
      final = setRounded(weightQuantizer, matrix, await rounding.round(matrix, undefined, spec), qparams);
    }
    if (layer.biasQuantizer === undefined) continue;
    convertBias(layer, layer.biasQuantizer, inputScaleOf(layer.anchor), final, diagnostics);
  }
  prepared.module.graph.eliminateDeadCode();
  return diagnostics;
}
