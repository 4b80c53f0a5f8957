import { type Diagnostic, floatData, type QParams, quantizeTensor } from '@bitwright/core';
import { constantTensor, nodeName } from '@bitwright/graph';
import { layerLimit } from '../accumulators.js';
import { chooseWeightGrid, convertBias, inputScaleOf, setWeightCodes } from '../convert-layer.js';
import { addToBias, correctLayer, type LayerCorrections } from '../correct/correct-layer.js';
import type { PreparedLayer } from '../prepare.js';
import type { Recipe } from '../recipes.js';
import { heldWithin } from '../rounding/hold-rows.js';
import { diagnoseLostWeights } from '../rounding/lost-weights.js';
import type { DataFreeRounding, RoundingSpec, RoundingTools } from '../rounding/rounding-algorithm.js';
import { collectStatistics } from './layer-statistics.js';
import { hasFixedScale, roundingSpec, setRounded } from './rounded-weights.js';
import type { StoredSource } from './run-stored.js';
import { weightMatrix } from './weight-matrix.js';

/** What rounding one layer needs. */
export interface RoundLayerOptions {
  readonly recipe: Recipe;
  /** Where the recipe has no rounding on statistics. */
  readonly rounding: DataFreeRounding;
  readonly corrections: LayerCorrections;
  readonly weightSearch: 'mse' | 'min-max';
  readonly source: StoredSource;
  readonly tools: RoundingTools;
  readonly diagnostics: Diagnostic[];
}

/** Rounds a layer's weights on the statistics of its inputs, corrects its bias and puts it on its grid. */
export async function roundLayer(layer: PreparedLayer, options: RoundLayerOptions): Promise<void> {
  const { recipe, diagnostics, corrections } = options;
  const quantizer = layer.weightQuantizer!;
  const tensor = constantTensor(quantizer.inputs[0])!;
  const { qparams, floor } = chooseWeightGrid(layer, quantizer, options.weightSearch, diagnostics);
  const matrix = weightMatrix(layer.anchor, nodeName(layer.anchor), tensor);
  let final: QParams = qparams;
  if (matrix === undefined) {
    setWeightCodes(quantizer, quantizeTensor(floatData(tensor), tensor.dims, qparams), qparams);
  } else {
    const limit = layerLimit(layer);
    const grid = roundingSpec(matrix, qparams, hasFixedScale(layer), floor);
    const spec: RoundingSpec = { ...grid, ...(limit && { accumulator: limit }) };
    const statistics = await collectStatistics(options.source, layer.anchor, matrix);
    if (statistics.gram.every((value) => value === 0)) diagnostics.push(withoutData(matrix.name));
    const rounded =
      recipe.rounding === undefined
        ? await options.rounding.round(matrix, undefined, spec)
        : await recipe.rounding.round(matrix, statistics, spec, options.tools);
    const held = heldWithin(matrix, spec, rounded);
    diagnostics.push(...diagnoseLostWeights(matrix, spec, held));
    const corrected = correctLayer(layer, { layer: matrix, spec, rounded: held }, statistics, corrections);
    final = setRounded(quantizer, matrix, corrected.rounded, qparams);
    if (corrected.shift !== undefined) addToBias(layer, corrected.shift);
  }
  if (layer.biasQuantizer !== undefined)
    convertBias(layer, layer.biasQuantizer, inputScaleOf(layer.anchor), final, diagnostics);
}

function withoutData(name: string): Diagnostic {
  return {
    code: 'ROUNDING_WITHOUT_DATA',
    severity: 'warning',
    message: `The layer '${name}' was given nothing but zeros by the calibration data, so its weights went to their nearest codes.`,
    hint: 'Check that the calibration data is like the real data, and reaches this part of the network.',
    at: { node: name },
  };
}
