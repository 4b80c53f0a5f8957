import type { Diagnostic } from '@bitwright/core';
import { dequantizedRows } from './dequantized-rows.js';
import type { Rounded, RoundingLayer, RoundingSpec } from './rounding-algorithm.js';

/**
 * The share of the weights' energy, and of the codes, from which on a layer counts as lost: at nearest rounding 2 bits leave an error of
 * about an eighth. Rounding by data may leave a large error too, in directions that no input has, but not most codes at 0.
 */
const LOST = 0.5;

/**
 * Tells of a layer whose weights an accumulator has cut down so far that they stand for others: half of the codes or more are 0, and
 * sum (w - w~)^2 / sum w^2 over all weights is a half or more, a signal-to-noise ratio of 3 dB or less. Nothing is told where no
 * accumulator was asked for.
 */
export function diagnoseLostWeights(
  layer: RoundingLayer,
  spec: RoundingSpec,
  rounded: Rounded,
): Diagnostic[] {
  if (spec.accumulator === undefined) return [];
  let energy = 0;
  let error = 0;
  for (const { row, weights } of dequantizedRows(layer, spec, rounded)) {
    for (let k = 0, at = row * layer.columns; k < layer.columns; k++, at++) {
      energy += layer.weights[at]! ** 2;
      error += (layer.weights[at]! - weights[k]!) ** 2;
    }
  }
  const { codes } = rounded;
  const zeros = codes.reduce((count, code) => count + (code === 0 ? 1 : 0), 0);
  if (error < LOST * energy || zeros < LOST * codes.length || energy === 0) return [];
  const percent = (part: number, whole: number): string => `${Math.round((100 * part) / whole)} %`;
  return [
    {
      code: 'ACCUMULATOR_TOO_NARROW',
      severity: 'warning',
      message: `The accumulator leaves little of the weights of '${layer.name}': the error has ${percent(error, energy)} of their energy, and ${percent(zeros, codes.length)} of the codes are 0.`,
      hint: 'Take a wider accumulator, or fewer bits of activations: each one less leaves room for weights twice as large.',
      at: { node: layer.name },
    },
  ];
}
