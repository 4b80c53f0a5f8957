import { DenseTensor, type Diagnostic, floatData, type QParams, quantizeTensor } from '@bitwright/core';
import { constantTensor, nodeName, type OpNode } from '@bitwright/graph';
import { chooseWeightGrid, convertBias, inputScaleOf, setWeightCodes } from '../convert-layer.js';
import type { PreparedLayer } from '../prepare.js';
import type { Recipe } from '../recipes.js';
import { nearestCodes } from '../rounding/coordinate-descent.js';
import type { Rounded, RoundingSpec, RoundingStatistics } from '../rounding/rounding-algorithm.js';
import { ScaleLayout } from '../rounding/scale-layout.js';
import { collectStatistics, type StatisticsSource } from './layer-statistics.js';
import { toTensorOrder, type WeightMatrix, weightMatrix } from './weight-matrix.js';

/** What rounding one layer needs. */
export interface RoundLayerOptions {
  readonly recipe: Recipe;
  readonly weightSearch: 'mse' | 'min-max';
  readonly source: StatisticsSource;
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
    const spec = roundingSpec(matrix, qparams, hasFixedScale(layer), floor);
    const statistics = await collectStatistics(options.source, layer.anchor, matrix);
    const rounded =
      recipe.rounding === undefined
        ? nearestCodes(matrix, spec)
        : await recipe.rounding.round(matrix, statistics, spec);
    final = setRounded(quantizer, matrix, rounded, qparams);
    if (recipe.biasCorrection) correctBias(layer, meanShift(matrix, statistics, spec, rounded));
  }
  if (layer.biasQuantizer !== undefined)
    convertBias(layer, layer.biasQuantizer, inputScaleOf(layer.anchor), final, diagnostics);
}

/** The grid of a weight quantizer, with its zero points taken off the codes. */
/** True where a scale must stay where the search has put it: a power of two, or held within a backend's bounds. */
function hasFixedScale({ config, dtype }: PreparedLayer): boolean {
  const { scaleMinLowerBound, scaleMaxUpperBound } = dtype.weight ?? {};
  return config.powerOfTwo || scaleMinLowerBound !== undefined || scaleMaxUpperBound !== undefined;
}

function roundingSpec(
  matrix: WeightMatrix,
  qparams: QParams,
  fixedScale: boolean,
  floor: Float32Array | undefined,
): RoundingSpec {
  const count = matrix.groups * matrix.rows;
  const zeroPoint = (row: number): number => qparams.zeroPoint[qparams.zeroPoint.length === 1 ? 0 : row]!;
  return {
    low: Int32Array.from({ length: count }, (_, row) => qparams.quantMin - zeroPoint(row)),
    high: Int32Array.from({ length: count }, (_, row) => qparams.quantMax - zeroPoint(row)),
    scale: Float64Array.from(qparams.scale),
    fixedScale,
    ...(floor && { leastScale: Float64Array.from(floor) }),
  };
}

function setRounded(quantizer: OpNode, matrix: WeightMatrix, rounded: Rounded, searched: QParams): QParams {
  const { zeroPoint } = searched;
  const codes = new Int32Array(rounded.codes.length);
  for (let i = 0; i < codes.length; i++) {
    const row = zeroPoint.length === 1 ? 0 : Math.floor(i / matrix.columns);
    codes[i] = rounded.codes[i]! + zeroPoint[row]!;
  }
  const qparams: QParams = { ...searched, scale: Float32Array.from(rounded.scale) };
  setWeightCodes(quantizer, toTensorOrder(matrix, codes), qparams);
  return qparams;
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
