/**
 * Multiplies matrices that lie row by row, in double precision: the runtime's own product, the fastest that is at hand.
 */
export interface MatrixProduct {
  /** A B^T, for A of m x k and B of n x k. */
  timesTransposed(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Promise<Float64Array>;
  /** A B, for A of m x k and B of k x n. */
  times(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Promise<Float64Array>;
}

/** Matrices of up to so many columns are worked on whole; larger ones in blocks, with products between these. */
const WHOLE = 512;
const BLOCK = 128;

/** The blocks that columns are worked on in, as [first, end) pairs in ascending order. */
export function columnBlocks(columns: number): (readonly [first: number, end: number])[] {
  if (columns <= WHOLE) return [[0, columns]];
  const blocks: [number, number][] = [];
  for (let first = 0; first < columns; first += BLOCK) blocks.push([first, Math.min(columns, first + BLOCK)]);
  return blocks;
}

/** A copy of rows [firstRow, endRow) and columns [first, end) of a matrix that is `width` wide. */
export function submatrix(
  matrix: Float64Array,
  width: number,
  [firstRow, endRow]: readonly [number, number],
  [first, end]: readonly [number, number],
): Float64Array {
  const size = end - first;
  const copy = new Float64Array((endRow - firstRow) * size);
  for (let row = firstRow; row < endRow; row++)
    copy.set(matrix.subarray(row * width + first, row * width + end), (row - firstRow) * size);
  return copy;
}

/** Takes the elements of a small matrix off a part of a large one. */
export function subtractAt(
  from: Float64Array,
  width: number,
  firstRow: number,
  first: number,
  what: Float64Array,
  size: number,
): void {
  for (let at = 0, row = firstRow; at < what.length; at += size, row++) {
    const base = row * width + first;
    for (let k = 0; k < size; k++) from[base + k]! -= what[at + k]!;
  }
}
