import type { Dim, ValueType } from '../value.js';
import { quoteName } from './names.js';

/**
 * The text of a type: `float` (a scalar), `float[]` (any rank), `float[N,3,?]`, `undefined[2]` (unknown elements),
 * `opaque()` for what is no tensor, '' when nothing is known.
 */
export function printType(type: ValueType | undefined): string {
  if (type === undefined) return '';
  if (type.kind === 'other') return 'opaque()';
  return printTensorType(type.dtype ?? 'undefined', type.shape);
}

/** The text of a tensor type; no shape means any rank. */
export function printTensorType(dtype: string, shape: readonly Dim[] | undefined): string {
  if (shape === undefined) return `${dtype}[]`;
  return shape.length === 0 ? dtype : `${dtype}[${shape.map(printDim).join(',')}]`;
}

function printDim(dim: Dim): string {
  if (dim === undefined) return '?';
  return typeof dim === 'number' ? `${dim}` : quoteName(dim);
}
