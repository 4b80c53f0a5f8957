import { clamp, roundHalfEven } from '@bitwright/core';
import { type FloatSolution, type GroupProblem, stepsOf } from './group-problem.js';
import { columnBlocks, type MatrixProduct, submatrix, subtractAt } from './matrix-product.js';
import type { RoundingSpec } from './rounding-algorithm.js';
import type { ScaleLayout } from './scale-layout.js';

/**
 * GPTQ on one group: columns are rounded one after the other, most important first, and each error is made good by the
 * columns that are left.
 *
 * With H = L L^T, the columns that are left are moved by the rows of L itself, so that no inverse is needed (the
 * nearest-plane form of the algorithm; J. Chen et al., "The Geometry of LLM Quantization: GPTQ as Babai's Nearest Plane
 * Algorithm", 2025).
 *
 * @returns one code for each weight, in the problem's order.
 */
export async function gptqGroup(
  problem: GroupProblem,
  { weights, factor }: FloatSolution,
  spec: RoundingSpec,
  layout: ScaleLayout,
  product: MatrixProduct,
): Promise<Int32Array> {
  const { rows, columns, firstRow } = problem;
  const codes = new Int32Array(rows * columns);
  // what the errors so far ask of each column, with the sign turned, times the diagonal of L
  const asked = new Float64Array(rows * columns);
  const steps = new Float64Array(columns);
  for (const [first, end] of columnBlocks(columns).toReversed()) {
    const errors = new Float64Array(rows * (end - first));
    for (let row = 0; row < rows; row++) {
      stepsOf(problem, row, layout, spec.scale, steps);
      const low = spec.low[firstRow + row]!;
      const high = spec.high[firstRow + row]!;
      const base = row * columns;
      for (let j = end - 1; j >= first; j--) {
        const pivot = j * columns;
        const wanted = weights[base + j]! - asked[base + j]! / factor[pivot + j]!;
        const code = clamp(roundHalfEven(wanted / steps[j]!), low, high);
        codes[base + j] = code;
        const error = weights[base + j]! - code * steps[j]!;
        errors[row * (end - first) + j - first] = error;
        for (let k = first; k < j; k++) asked[base + k]! -= factor[pivot + k]! * error;
      }
    }
    if (first === 0) continue;
    const triangle = submatrix(factor, columns, [first, end], [0, first]);
    const moved = await product.times(errors, triangle, rows, end - first, first);
    subtractAt(asked, columns, 0, 0, moved, first);
  }
  return codes;
}
