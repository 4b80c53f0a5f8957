import { clamp, roundHalfEven } from '@bitwright/core';
import { choleskyInPlace } from './cholesky.js';
import { descendingOrder, type GroupProblem } from './group-problem.js';
import type { RoundingSpec } from './rounding-algorithm.js';
import type { ScaleLayout } from './scale-layout.js';

/**
 * GPTQ on one group: columns are rounded one after the other, most important first, and each error is made good by the
 * columns that are left.
 *
 * With H = L L^T over the reversed order, the columns that are left are moved by the rows of L itself, so that no inverse
 * is needed (the nearest-plane form of the algorithm; J. Chen et al., "The Geometry of LLM Quantization", 2025).
 *
 * @param from the float weights to round.
 * @param codes where the codes go, one row after the other.
 * @returns false when the Gram matrix is singular even so; the codes are not touched then.
 */
export function gptqGroup(
  problem: GroupProblem,
  from: Float64Array,
  damping: number,
  spec: RoundingSpec,
  layout: ScaleLayout,
  codes: Int32Array,
): boolean {
  const { rows, columns, firstRow } = problem;
  const order = descendingOrder(problem).reverse();
  const factor = permuted(problem, order, damping);
  if (!choleskyInPlace(factor, columns)) return false;
  const steps = new Float64Array(columns);
  const moved = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    layout.fillRow(steps, firstRow + row, spec.scale);
    const low = spec.low[firstRow + row]!;
    const high = spec.high[firstRow + row]!;
    moved.fill(0);
    for (let j = columns - 1; j >= 0; j--) {
      const at = row * columns + order[j]!;
      const step = steps[order[j]!]!;
      const wanted = from[at]! + moved[j]! / factor[j * columns + j]!;
      const code = clamp(roundHalfEven(wanted / step), low, high);
      codes[at] = code;
      const error = from[at]! - code * step;
      const base = j * columns;
      for (let k = 0; k < j; k++) moved[k]! += factor[base + k]! * error;
    }
  }
  return true;
}

function permuted({ gram, columns }: GroupProblem, order: Uint32Array, damping: number): Float64Array {
  const result = new Float64Array(gram.length);
  for (let i = 0; i < columns; i++) {
    const base = order[i]! * columns;
    for (let j = 0; j <= i; j++) result[i * columns + j] = gram[base + order[j]!]!;
    result[i * columns + i]! += damping;
  }
  return result;
}
