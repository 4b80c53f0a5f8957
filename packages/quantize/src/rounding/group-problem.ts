import { cholesky, solveCholesky } from './cholesky.js';
import type { MatrixProduct } from './matrix-product.js';
import type { RoundingLayer, RoundingSpec, RoundingStatistics } from './rounding-algorithm.js';
import type { ScaleLayout } from './scale-layout.js';

/** Share of the Gram matrix's mean diagonal that is added to it (E. Frantar et al., "GPTQ", 2022). */
const DAMPING = 0.01;
const DAMPING_STEPS = 6;
/** With fewer positions than so many a column, damping grows as they get fewer: what they say is then more of them than of the layer. */
const ENOUGH_POSITIONS = 8;

/**
 * One group's rounding problem: find codes so that tr(Q H Q^T) - 2 tr(Q T^T) is small.
 *
 * Matrices are row by row. Columns stand by ascending diagonal of H, so that the last one matters most and is rounded first.
 */
export interface GroupProblem {
  readonly rows: number;
  readonly columns: number;
  /** The group's first row among the rows of all groups. */
  readonly firstRow: number;
  /** The layer's column that each column here is. */
  readonly order: Uint32Array;
  readonly weights: Float64Array;
  readonly gram: Float64Array;
  readonly target: Float64Array;
  /** Output positions that gram and target are means over. */
  readonly count: number;
}

/** The problem of one group. */
export function groupProblem(
  layer: RoundingLayer,
  statistics: RoundingStatistics,
  group: number,
): GroupProblem {
  const { rows, columns } = layer;
  const part = (from: Float64Array, size: number): Float64Array =>
    from.subarray(group * size, (group + 1) * size);
  const gram = part(statistics.gram, columns * columns);
  const diagonal = Float64Array.from({ length: columns }, (_, k) => gram[k * columns + k]!);
  const order = Uint32Array.from({ length: columns }, (_, k) => k).sort(
    (a, b) => diagonal[a]! - diagonal[b]! || b - a,
  );
  return {
    rows,
    columns,
    firstRow: group * rows,
    order,
    weights: reordered(part(layer.weights, rows * columns), order),
    gram: reordered(gram, order, order),
    target: reordered(part(statistics.target, rows * columns), order),
    count: statistics.count,
  };
}

/** The matrix with its columns, and where given its rows, in another order. */
function reordered(matrix: Float64Array, columns: Uint32Array, rows?: Uint32Array): Float64Array {
  const width = columns.length;
  const result = new Float64Array(matrix.length);
  for (let at = 0, row = 0; at < matrix.length; at += width, row++) {
    const from = (rows === undefined ? row : rows[row]!) * width;
    for (let k = 0; k < width; k++) result[at + k] = matrix[from + columns[k]!]!;
  }
  return result;
}

/** Writes codes in the problem's order to where they stand in the layer. */
export function placeCodes(
  { rows, columns, firstRow, order }: GroupProblem,
  codes: Int32Array,
  into: Int32Array,
): void {
  for (let row = 0; row < rows; row++) {
    const base = (firstRow + row) * columns;
    for (let k = 0; k < columns; k++) into[base + order[k]!] = codes[row * columns + k]!;
  }
}

/** The scale of each column of a row, in the problem's order. */
export function stepsOf(
  { columns, firstRow, order }: GroupProblem,
  row: number,
  layout: ScaleLayout,
  scale: RoundingSpec['scale'],
  into: Float64Array,
): void {
  if (layout.isRowWise) into.fill(scale[layout.indexOf(firstRow + row, 0)]!);
  else for (let k = 0; k < columns; k++) into[k] = scale[layout.indexOf(firstRow + row, order[k]!)]!;
}

/** What {@link solveFloat} found. */
export interface FloatSolution {
  /** The best float weights on the quantized inputs: (T + d W)(H + d)^-1. */
  readonly weights: Float64Array;
  readonly damping: number;
  /** L with L L^T = H + d, in the lower triangle. */
  readonly factor: Float64Array;
}

/**
 * The float weights that do best behind the quantized prefix, drawn towards the layer's own where the data say nothing.
 * Rounding starts from them, and so makes good what the prefix lost.
 *
 * @returns undefined when the inputs were always zero, or no damping made the Gram matrix regular.
 */
export async function solveFloat(
  problem: GroupProblem,
  product: MatrixProduct,
): Promise<FloatSolution | undefined> {
  const { rows, columns, gram, target, weights } = problem;
  let mean = 0;
  for (let k = 0; k < columns; k++) mean += gram[k * columns + k]! / columns;
  if (!(mean > 0 && Number.isFinite(mean))) return undefined;
  const factor = new Float64Array(gram.length);
  const scarcity = (ENOUGH_POSITIONS * columns) / Math.max(1, problem.count);
  let damping = DAMPING * mean * Math.max(1, scarcity);
  for (let step = 0; step < DAMPING_STEPS; step++, damping *= 10) {
    factor.set(gram);
    for (let k = 0; k < columns; k++) factor[k * columns + k]! += damping;
    if (!(await cholesky(factor, columns, product))) continue;
    const solved = new Float64Array(rows * columns);
    for (let i = 0; i < solved.length; i++) solved[i] = target[i]! + damping * weights[i]!;
    await solveCholesky(factor, columns, solved, rows, product);
    return { weights: solved, damping, factor };
  }
  return undefined;
}
