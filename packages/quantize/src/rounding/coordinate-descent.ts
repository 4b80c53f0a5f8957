import { clamp, roundHalfEven } from '@bitwright/core';
import { descendGroup } from './coordinate-descent-group.js';
import { gptqGroup } from './gptq-group.js';
import { groupProblem, solveFloat } from './group-problem.js';
import type { Rounded, RoundingAlgorithm, RoundingLayer, RoundingSpec } from './rounding-algorithm.js';
import { ScaleLayout } from './scale-layout.js';

const SWEEPS = 5;
// descent needs less of a pull than the factorization
const DESCENT_DAMPING = 0.1;

/** GPTQ, then coordinate descent with scale refit: the workhorse (COMQ, A. Zhang et al., 2024; QuantEase, K. Behdin et al., 2023). */
export const coordinateDescentRounding: RoundingAlgorithm = {
  name: 'coordinate-descent',
  description: 'GPTQ, then sweeps of coordinate descent with the scales refitted',
  needsStatistics: true,
  async round(layer, statistics, spec) {
    const layout = new ScaleLayout(layer, spec);
    const { codes } = nearestCodes(layer, spec);
    const scale = spec.scale.slice();
    if (statistics === undefined) return { codes, scale };
    for (let group = 0; group < layer.groups; group++) {
      const problem = groupProblem(layer, statistics, group);
      const solution = solveFloat(problem);
      if (solution === undefined) continue;
      const size = layer.rows * layer.columns;
      const own = codes.subarray(group * size, (group + 1) * size);
      const current = { ...spec, scale };
      gptqGroup(problem, solution.weights, solution.damping, current, layout, own);
      descendGroup(
        problem,
        solution.weights,
        solution.damping * DESCENT_DAMPING,
        current,
        layout,
        own,
        scale,
        SWEEPS,
      );
    }
    return { codes, scale };
  },
};

/** Every weight to its nearest code, ties to even. */
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
  return { codes, scale: spec.scale.slice() };
}
