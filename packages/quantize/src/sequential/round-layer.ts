import { DenseTensor, type Diagnostic, floatData, type QParams, quantizeTensor } from '@bitwright/core';
import { constantTensor, nodeName } from '@bitwright/graph';
import { layerLimit } from '../accumulators.js';
import { chooseWeightGrid, convertBias, inputScaleOf, setWeightCodes } from '../convert-layer.js';
import type { PreparedLayer } from '../prepare.js';
import type { Recipe } from '../recipes.js';
import { heldWithin } from '../rounding/hold-rows.js';
import { nearestCodes } from '../rounding/nearest.js';
import type {
  Rounded,
  RoundingSpec,
  RoundingStatistics,
  RoundingTools,
} from '../rounding/rounding-algorithm.js';
import { ScaleLayout } from '../rounding/scale-layout.js';
import { collectStatistics, type StatisticsSource } from './layer-statistics.js';
import { hasFixedScale, roundingSpec, setRounded } from './rounded-weights.js';
import { type WeightMatrix, weightMatrix } from './weight-matrix.js';

/** What rounding one layer needs. */
export interface RoundLayerOptions {
  readonly recipe: Recipe;
  readonly weightSearch: 'mse' | 'min-max';
  readonly source: StatisticsSource;
  readonly tools: RoundingTools;
  readonly diagnostics: Diagnostic[];
}

/** Rounds a layer's weights on the statistics of its inputs, corrects its bias and puts it on its grid. */
export async function roundLayer(layer: PreparedLayer, options: RoundLayerOptions): Promise<void> {
  const { recipe, diagnostics } = options;
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
        ? nearestCodes(matrix, spec)
        : await recipe.rounding.round(matrix, statistics, spec, options.tools);
    const held = heldWithin(matrix, spec, rounded);
    final = setRounded(quantizer, matrix, held, qparams);
    if (recipe.biasCorrection) correctBias(layer, meanShift(matrix, statistics, spec, held));
  }
  if (layer.biasQuantizer !== undefined)
    convertBias(layer, layer.biasQuantizer, inputScaleOf(layer.anchor), final, diagnostics);
}

/** How much lower each output's mean is behind the quantized prefix and with the rounded weights than in the float network. */
function meanShift(
  matrix: WeightMatrix,
  statistics: RoundingStatistics,
  spec: RoundingSpec,
  { codes, scale }: Rounded,
): Float64Array {
  const { groups, rows, columns } = matrix;
  const layout = new ScaleLayout(matrix, spec);
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
}

/** Adds to a layer's bias; a layer without one keeps none. */
function correctBias(layer: PreparedLayer, shift: Float64Array): void {
  if (layer.biasInput === undefined) return;
  const reader = layer.biasQuantizer ?? layer.anchor;
  const index = layer.biasQuantizer === undefined ? layer.biasInput : 0;
  const before = reader.inputs[index]!;
  const tensor = constantTensor(before)!;
  const values = Float32Array.from(floatData(tensor), (value, i) => value + shift[i]!);
  const { graph } = reader;
  const made = graph.getAttr(before.name, new DenseTensor('float', tensor.dims, values), reader).output;
  reader.setInput(index, made);
  if (before.uses.size > 0) return;
  const { name } = before;
  graph.eraseNode(before.producer);
  graph.rename(made, name);
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
