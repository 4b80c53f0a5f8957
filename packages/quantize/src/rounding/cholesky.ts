/**
 * The lower triangle L with L L^T = A, for a symmetric positive definite matrix, in place of its lower triangle.
 *
 * @returns false when a pivot is not positive: the matrix is singular to working precision.
 */
export function choleskyInPlace(a: Float64Array, size: number): boolean {
  for (let i = 0; i < size; i++) {
    const row = a.subarray(i * size, i * size + i + 1);
    for (let j = 0; j <= i; j++) {
      const other = j * size;
      let sum = row[j]!;
      for (let k = 0; k < j; k++) sum -= row[k]! * a[other + k]!;
      if (j < i) row[j] = sum / a[other + j]!;
      else if (sum > 0) row[j] = Math.sqrt(sum);
      else return false;
    }
  }
  return true;
}

/** Solves L L^T x = b in place of b, for the triangle that {@link choleskyInPlace} makes. */
export function solveCholesky(l: Float64Array, size: number, b: Float64Array): void {
  for (let i = 0; i < size; i++) {
    const row = i * size;
    let sum = b[i]!;
    for (let k = 0; k < i; k++) sum -= l[row + k]! * b[k]!;
    b[i] = sum / l[row + i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    const row = i * size;
    const value = b[i]! / l[row + i]!;
    b[i] = value;
    for (let k = 0; k < i; k++) b[k]! -= l[row + k]! * value;
  }
}
