import { clamp, MIN_SCALE, roundHalfEven } from '@bitwright/core';
import { RowSums } from './accumulator-budget.js';
import { type GroupProblem, stepsOf } from './group-problem.js';
import { columnBlocks, type MatrixProduct, subtractAt } from './matrix-product.js';
import type { RoundingSpec } from './rounding-algorithm.js';
import type { ScaleLayout } from './scale-layout.js';

/** What descent needs besides the problem. */
export interface DescentOptions {
  /** Float weights that `damping` draws to; it keeps directions that the data do not excite in place. */
  readonly toWeights: Float64Array;
  readonly damping: number;
  readonly spec: RoundingSpec;
  readonly layout: ScaleLayout;
  readonly sweeps: number;
  readonly product: MatrixProduct;
}

/**
 * Coordinate descent on the codes of one group, in place: each sweep sets every code to its best value while the others
 * stay, most important columns first, then refits the scales in closed form. The error never grows.
 *
 * @param codes in the problem's order.
 * @param scale refitted in place, unless the spec holds it fixed.
 */
export async function descendGroup(
  problem: GroupProblem,
  options: DescentOptions,
  codes: Int32Array,
  scale: Float64Array,
): Promise<void> {
  const damped: GroupProblem = {
    ...problem,
    gram: problem.gram.slice(),
    target: problem.target.map((value, i) => value + options.damping * options.toWeights[i]!),
  };
  for (let k = 0; k < problem.columns; k++) damped.gram[k * problem.columns + k]! += options.damping;
  const residual = await residualOf(damped, options, codes, scale);
  for (let sweep = 0; sweep < options.sweeps; sweep++) {
    const changes = await sweepColumns(damped, options, residual, codes, scale);
    if (!options.spec.fixedScale) refitScales(damped, options, residual, codes, scale);
    if (changes === 0) break;
  }
}

/** T - Q H. */
async function residualOf(
  problem: GroupProblem,
  { layout, product }: DescentOptions,
  codes: Int32Array,
  scale: Float64Array,
): Promise<Float64Array> {
  const { rows, columns, gram, target } = problem;
  const steps = new Float64Array(columns);
  const weights = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    stepsOf(problem, row, layout, scale, steps);
    for (let k = 0, at = row * columns; k < columns; k++, at++) weights[at] = codes[at]! * steps[k]!;
  }
  const residual = target.slice();
  if (columnBlocks(columns).length > 1) {
    subtractAt(residual, columns, 0, 0, await product.times(weights, gram, rows, columns, columns), columns);
    return residual;
  }
  for (let row = 0; row < rows; row++)
    for (let k = 0; k < columns; k++)
      subtractRow(residual, row * columns, gram, k * columns, weights[row * columns + k]!, 0, columns);
  return residual;
}

async function sweepColumns(
  problem: GroupProblem,
  { spec, layout, product }: DescentOptions,
  residual: Float64Array,
  codes: Int32Array,
  scale: Float64Array,
): Promise<number> {
  const { rows, columns, gram, firstRow } = problem;
  const steps = new Float64Array(columns);
  const sums = rowSums(spec, codes, rows, columns);
  let changes = 0;
  for (const [first, end] of columnBlocks(columns).toReversed()) {
    const moves = new Float64Array(rows * (end - first));
    let moved = 0;
    for (let row = 0; row < rows; row++) {
      stepsOf(problem, row, layout, scale, steps);
      const bounds = { low: spec.low[firstRow + row]!, high: spec.high[firstRow + row]!, sums: sums?.[row] };
      const own = moves.subarray(row * (end - first), (row + 1) * (end - first));
      moved += sweepRow(gram, steps, bounds, residual, codes, row * columns, [first, end], own);
    }
    changes += moved;
    if (moved === 0 || end - first === columns) continue;
    await spread(gram, columns, [first, end], moves, rows, residual, product);
  }
  return changes;
}

/** What the codes of one row must stay within. */
interface CodeBounds {
  readonly low: number;
  readonly high: number;
  readonly sums: RowSums | undefined;
}

/** The extreme sums of each row, where an accumulator limits them. */
function rowSums(
  { accumulator }: RoundingSpec,
  codes: Int32Array,
  rows: number,
  columns: number,
): RowSums[] | undefined {
  if (accumulator === undefined) return undefined;
  return Array.from(
    { length: rows },
    (_, row) => new RowSums(accumulator, codes.subarray(row * columns, (row + 1) * columns)),
  );
}

/** Sets the codes of one row in a block of columns; keeps the residual of this block, and notes by how much each weight moved. */
function sweepRow(
  gram: Float64Array,
  steps: Float64Array,
  { low, high, sums }: CodeBounds,
  residual: Float64Array,
  codes: Int32Array,
  base: number,
  [first, end]: readonly [number, number],
  moves: Float64Array,
): number {
  const columns = steps.length;
  let changes = 0;
  for (let j = end - 1; j >= first; j--) {
    const weight = gram[j * columns + j]!;
    if (!(weight > 0)) continue;
    const step = steps[j]!;
    const before = codes[base + j]!;
    const wanted = clamp(roundHalfEven(before + residual[base + j]! / (weight * step)), low, high);
    const code = sums === undefined ? wanted : sums.nearest(before, wanted);
    if (code === before) continue;
    sums?.move(before, code);
    changes++;
    codes[base + j] = code;
    const move = (code - before) * step;
    moves[j - first] = move;
    subtractRow(residual, base, gram, j * columns, move, first, end);
  }
  return changes;
}

/** Brings the moves of one block of columns to the residuals of all others. */
async function spread(
  gram: Float64Array,
  columns: number,
  [first, end]: readonly [number, number],
  moves: Float64Array,
  rows: number,
  residual: Float64Array,
  product: MatrixProduct,
): Promise<void> {
  const change = await product.times(
    moves,
    gram.subarray(first * columns, end * columns),
    rows,
    end - first,
    columns,
  );
  for (let row = 0; row < rows; row++) {
    const base = row * columns;
    for (let k = 0; k < first; k++) residual[base + k]! -= change[base + k]!;
    for (let k = end; k < columns; k++) residual[base + k]! -= change[base + k]!;
  }
}

/** Takes a multiple of a row of the Gram matrix off a row of the residual, in columns first..end. */
function subtractRow(
  residual: Float64Array,
  at: number,
  gram: Float64Array,
  from: number,
  factor: number,
  first: number,
  end: number,
): void {
  if (factor === 0) return;
  for (let k = first; k < end; k++) residual[at + k]! -= factor * gram[from + k]!;
}

/** The best scales for the codes as they are, and the residuals that follow: s = (c T) / (c H c) where one serves whole rows. */
function refitScales(
  problem: GroupProblem,
  options: DescentOptions,
  residual: Float64Array,
  codes: Int32Array,
  scale: Float64Array,
): void {
  const { rows, columns, target, firstRow } = problem;
  const { layout, spec } = options;
  if (!layout.isRowWise) return;
  const along = new Float64Array(rows);
  const across = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const before = scale[layout.indexOf(firstRow + row, 0)]!;
    for (let at = row * columns; at < (row + 1) * columns; at++) {
      along[row]! += codes[at]! * target[at]!;
      across[row]! += (codes[at]! * (target[at]! - residual[at]!)) / before;
    }
  }
  const shared = scale.length === 1;
  if (shared) {
    along.fill(along.reduce((sum, value) => sum + value, 0));
    across.fill(across.reduce((sum, value) => sum + value, 0));
  }
  for (let row = 0; row < rows; row++) {
    const index = layout.indexOf(firstRow + row, 0);
    if (!(along[row]! > 0 && across[row]! > 0)) continue;
    const before = scale[index]!;
    const refitted = Math.max(along[row]! / across[row]!, spec.leastScale?.[index] ?? 0, MIN_SCALE);
    for (let at = row * columns; at < (row + 1) * columns; at++)
      residual[at] = target[at]! - (refitted / before) * (target[at]! - residual[at]!);
    if (!shared || row === rows - 1) scale[index] = refitted;
  }
}
