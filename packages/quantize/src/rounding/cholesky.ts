import { columnBlocks, type MatrixProduct, submatrix, subtractAt } from './matrix-product.js';

/**
 * The lower triangle L with L L^T = A, for a symmetric positive definite matrix, in place of its lower triangle; what
 * stands above the diagonal is left alone and never read.
 *
 * @returns false when a pivot is not positive: the matrix is singular to working precision.
 */
export async function cholesky(a: Float64Array, size: number, product: MatrixProduct): Promise<boolean> {
  for (const [first, end] of columnBlocks(size)) {
    if (first > 0) {
      const left = submatrix(a, size, [first, size], [0, first]);
      const top = left.subarray(0, (end - first) * first);
      const done = await product.timesTransposed(left, top, size - first, first, end - first);
      subtractAt(a, size, first, first, done, end - first);
    }
    for (let i = first; i < size; i++) if (!factorRow(a, size, i, first, Math.min(i, end - 1))) return false;
  }
  return true;
}

/** Columns first..last of one row of the triangle, when all rows above and all columns before are done. */
function factorRow(a: Float64Array, size: number, i: number, first: number, last: number): boolean {
  const row = i * size;
  for (let j = first; j <= last; j++) {
    const other = j * size;
    let sum = a[row + j]!;
    for (let k = first; k < j; k++) sum -= a[row + k]! * a[other + k]!;
    if (j < i) a[row + j] = sum / a[other + j]!;
    else if (sum > 0) a[row + j] = Math.sqrt(sum);
    else return false;
  }
  return true;
}

/** Solves X L L^T = B in place of B, which has `rows` rows, for the triangle that {@link cholesky} makes. */
export async function solveCholesky(
  l: Float64Array,
  size: number,
  b: Float64Array,
  rows: number,
  product: MatrixProduct,
): Promise<void> {
  const blocks = columnBlocks(size);
  for (const [first, end] of blocks) {
    if (first > 0) {
      const before = submatrix(b, size, [0, rows], [0, first]);
      const triangle = submatrix(l, size, [first, end], [0, first]);
      const done = await product.timesTransposed(before, triangle, rows, first, end - first);
      subtractAt(b, size, 0, first, done, end - first);
    }
    for (let row = 0; row < rows; row++) solveForward(l, size, b, row * size, first, end);
  }
  for (const [first, end] of blocks.toReversed()) {
    for (let row = 0; row < rows; row++) solveBackward(l, size, b, row * size, first, end);
    if (first === 0) continue;
    const found = submatrix(b, size, [0, rows], [first, end]);
    const triangle = submatrix(l, size, [first, end], [0, first]);
    const moved = await product.times(found, triangle, rows, end - first, first);
    subtractAt(b, size, 0, 0, moved, first);
  }
}

function solveForward(
  l: Float64Array,
  size: number,
  b: Float64Array,
  at: number,
  first: number,
  end: number,
): void {
  for (let i = first; i < end; i++) {
    const row = i * size;
    let sum = b[at + i]!;
    for (let k = first; k < i; k++) sum -= l[row + k]! * b[at + k]!;
    b[at + i] = sum / l[row + i]!;
  }
}

function solveBackward(
  l: Float64Array,
  size: number,
  b: Float64Array,
  at: number,
  first: number,
  end: number,
): void {
  for (let i = end - 1; i >= first; i--) {
    const row = i * size;
    const value = b[at + i]! / l[row + i]!;
    b[at + i] = value;
    for (let k = first; k < i; k++) b[at + k]! -= l[row + k]! * value;
  }
}
