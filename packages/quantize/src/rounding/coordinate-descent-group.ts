import { clamp, roundHalfEven } from '@bitwright/core';
import { descendingOrder, type GroupProblem } from './group-problem.js';
import type { RoundingSpec } from './rounding-algorithm.js';
import type { ScaleLayout } from './scale-layout.js';

/**
 * Coordinate descent on the codes of one group, in place: each sweep sets every code to its best value while the others
 * stay, most important columns first, then refits the scales in closed form. The error never grows.
 *
 * @param toWeights the float weights that `damping` draws to; it keeps directions that the data do not excite in place.
 * @param scale refitted in place, unless the spec holds it fixed.
 */
export function descendGroup(
  problem: GroupProblem,
  toWeights: Float64Array,
  damping: number,
  spec: RoundingSpec,
  layout: ScaleLayout,
  codes: Int32Array,
  scale: Float64Array,
  sweeps: number,
): void {
  const { rows, columns, gram, target, firstRow } = problem;
  const order = descendingOrder(problem);
  const steps = new Float64Array(columns);
  const residual = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    layout.fillRow(steps, firstRow + row, scale);
    const at = row * columns;
    const rest = residual.subarray(at, at + columns);
    for (let k = 0; k < columns; k++)
      rest[k] = target[at + k]! + damping * (toWeights[at + k]! - codes[at + k]! * steps[k]!);
    for (let k = 0; k < columns; k++)
      if (codes[at + k] !== 0) subtractRow(rest, gram, k, codes[at + k]! * steps[k]!);
  }
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let changes = 0;
    for (let row = 0; row < rows; row++) {
      layout.fillRow(steps, firstRow + row, scale);
      const at = row * columns;
      changes += sweepRow(
        { gram, damping, order, steps, low: spec.low[firstRow + row]!, high: spec.high[firstRow + row]! },
        residual.subarray(at, at + columns),
        codes.subarray(at, at + columns),
      );
    }
    if (!spec.fixedScale) refitScales(problem, residual, toWeights, damping, spec, layout, codes, scale);
    if (changes === 0) break;
  }
}

interface RowSweep {
  readonly gram: Float64Array;
  readonly damping: number;
  readonly order: Uint32Array;
  readonly steps: Float64Array;
  readonly low: number;
  readonly high: number;
}

function sweepRow(
  { gram, damping, order, steps, low, high }: RowSweep,
  residual: Float64Array,
  codes: Int32Array,
): number {
  const columns = order.length;
  let changes = 0;
  for (let i = 0; i < columns; i++) {
    const j = order[i]!;
    const step = steps[j]!;
    const before = codes[j]!;
    const weight = gram[j * columns + j]! + damping;
    if (!(weight > 0)) continue;
    const code = clamp(roundHalfEven(before + residual[j]! / (weight * step)), low, high);
    if (code === before) continue;
    changes++;
    codes[j] = code;
    const moved = (code - before) * step;
    subtractRow(residual, gram, j, moved);
    residual[j]! -= damping * moved;
  }
  return changes;
}

/** Takes a multiple of one row of the Gram matrix off a residual. */
function subtractRow(residual: Float64Array, gram: Float64Array, row: number, factor: number): void {
  const base = row * residual.length;
  for (let k = 0; k < residual.length; k++) residual[k]! -= factor * gram[base + k]!;
}

/** s = (c T) / (c H c) for each scale, and the residuals that follow from it. */
function refitScales(
  { rows, columns, target, firstRow }: GroupProblem,
  residual: Float64Array,
  toWeights: Float64Array,
  damping: number,
  spec: RoundingSpec,
  layout: ScaleLayout,
  codes: Int32Array,
  scale: Float64Array,
): void {
  if (!layout.isRowWise) return;
  const along = new Float64Array(rows);
  const across = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const before = scale[layout.indexOf(firstRow + row, 0)]!;
    for (let at = row * columns; at < (row + 1) * columns; at++) {
      const wanted = target[at]! + damping * toWeights[at]!;
      along[row]! += codes[at]! * wanted;
      across[row]! += (codes[at]! * (wanted - residual[at]!)) / before;
    }
  }
  const shared = scale.length === 1;
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
  for (let row = 0; row < rows; row++) {
    const index = layout.indexOf(firstRow + row, 0);
    const before = scale[index]!;
    const numerator = shared ? sum(along) : along[row]!;
    const denominator = shared ? sum(across) : across[row]!;
    if (!(numerator > 0 && denominator > 0)) continue;
    const least = spec.leastScale?.[index] ?? 0;
    const refitted = Math.max(numerator / denominator, least, Number.MIN_VALUE);
    for (let at = row * columns; at < (row + 1) * columns; at++) {
      const wanted = target[at]! + damping * toWeights[at]!;
      residual[at] = wanted - (refitted / before) * (wanted - residual[at]!);
    }
    if (!shared || row === rows - 1) scale[index] = refitted;
  }
}
