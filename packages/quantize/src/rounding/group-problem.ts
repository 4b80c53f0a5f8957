import { choleskyInPlace, solveCholesky } from './cholesky.js';
import type { RoundingLayer, RoundingStatistics } from './rounding-algorithm.js';

/** Share of the Gram matrix's mean diagonal that is added to it (E. Frantar et al., "GPTQ", 2022). */
const DAMPING = 0.01;
const DAMPING_STEPS = 6;

/** One group's rounding problem: find codes so that tr(Q H Q^T) - 2 tr(Q T^T) is small. Matrices are row by row. */
export interface GroupProblem {
  readonly rows: number;
  readonly columns: number;
  /** The group's first row among the rows of all groups. */
  readonly firstRow: number;
  readonly weights: Float64Array;
  readonly gram: Float64Array;
  readonly target: Float64Array;
}

/** The problem of one group, as views into the layer's arrays. */
export function groupProblem(
  layer: RoundingLayer,
  statistics: RoundingStatistics,
  group: number,
): GroupProblem {
  const { rows, columns } = layer;
  const part = (from: Float64Array, size: number): Float64Array =>
    from.subarray(group * size, (group + 1) * size);
  return {
    rows,
    columns,
    firstRow: group * rows,
    weights: part(layer.weights, rows * columns),
    gram: part(statistics.gram, columns * columns),
    target: part(statistics.target, rows * columns),
  };
}

/** Mean of the Gram matrix's diagonal: the mean square of the inputs. */
export function meanDiagonal({ gram, columns }: GroupProblem): number {
  let sum = 0;
  for (let k = 0; k < columns; k++) sum += gram[k * columns + k]!;
  return sum / columns;
}

/** What {@link solveFloat} found. */
export interface FloatSolution {
  /** The best float weights on the quantized inputs: (T + d W)(H + d)^-1. */
  readonly weights: Float64Array;
  readonly damping: number;
}

/**
 * The float weights that do best behind the quantized prefix, drawn towards the layer's own where the data say nothing.
 * Rounding starts from them, and so makes good what the prefix lost.
 *
 * @returns undefined when the inputs were always zero, or no damping made the Gram matrix regular.
 */
export function solveFloat(problem: GroupProblem): FloatSolution | undefined {
  const { rows, columns, gram, target, weights } = problem;
  const mean = meanDiagonal(problem);
  if (!(mean > 0)) return undefined;
  const factor = new Float64Array(gram.length);
  let damping = DAMPING * mean;
  for (let step = 0; step < DAMPING_STEPS; step++, damping *= 10) {
    factor.set(gram);
    for (let k = 0; k < columns; k++) factor[k * columns + k]! += damping;
    if (!choleskyInPlace(factor, columns)) continue;
    const solved = new Float64Array(rows * columns);
    for (let i = 0; i < solved.length; i++) solved[i] = target[i]! + damping * weights[i]!;
    for (let row = 0; row < rows; row++)
      solveCholesky(factor, columns, solved.subarray(row * columns, (row + 1) * columns));
    return { weights: solved, damping };
  }
  return undefined;
}

/** Columns by descending diagonal of the Gram matrix: those that matter most first. */
export function descendingOrder({ gram, columns }: GroupProblem): Uint32Array {
  return Uint32Array.from({ length: columns }, (_, k) => k).sort(
    (a, b) => gram[b * columns + b]! - gram[a * columns + a]! || a - b,
  );
}
