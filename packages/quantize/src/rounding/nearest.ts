import { clamp, roundHalfEven } from '@bitwright/core';
import { heldWithin } from './hold-rows.js';
import type { DataFreeRounding, Rounded, RoundingLayer, RoundingSpec } from './rounding-algorithm.js';
import { ScaleLayout } from './scale-layout.js';

/** Rounds every weight by itself. */
export const nearestRounding: DataFreeRounding = {
  name: 'nearest',
  description: 'each weight to its nearest code',
  needsStatistics: false,
  round: (layer, _statistics, spec) => Promise.resolve(nearestCodes(layer, spec)),
};

/** Every weight to its nearest code, ties to even; rows that could overflow the spec's accumulator are brought within it. */
export function nearestCodes(layer: RoundingLayer, spec: RoundingSpec): Rounded {
  const layout = new ScaleLayout(layer, spec);
  const codes = new Int32Array(layer.weights.length);
  const steps = new Float64Array(layer.columns);
  for (let row = 0; row < layer.groups * layer.rows; row++) {
    layout.fillRow(steps, row, spec.scale);
    const low = spec.low[row]!;
    const high = spec.high[row]!;
    const base = row * layer.columns;
    for (let k = 0; k < layer.columns; k++)
      codes[base + k] = clamp(roundHalfEven(Math.fround(layer.weights[base + k]! / steps[k]!)), low, high);
  }
  return heldWithin(layer, spec, { codes, scale: spec.scale.slice() });
}
