import type { Dim } from '@bitwright/graph';

/** A shape of which a part may be known. */
export type Shape = readonly Dim[] | undefined;

/** The shape that several shapes broadcast to, as far as it is known. */
export function broadcastShapes(shapes: readonly Shape[]): Shape {
  let result: readonly Dim[] = [];
  for (const shape of shapes) {
    if (shape === undefined) return undefined;
    const rank = Math.max(result.length, shape.length);
    const [a, b] = [result, shape].map(
      (dims) => (i: number) => (i < rank - dims.length ? 1 : dims[i - rank + dims.length]),
    );
    result = Array.from({ length: rank }, (_, i) => broadcastDim(a!(i), b!(i)));
  }
  return result;
}

function broadcastDim(a: Dim, b: Dim): Dim {
  if (a === b || b === 1) return a;
  if (a === 1) return b;
  // A size above 1 wins over a name: the name can only be that size, or 1.
  if (typeof a === 'number') return typeof b === 'number' ? undefined : a;
  return typeof b === 'number' ? b : undefined;
}

/** What is known of a dimension by either of two sources; numbers win over names, names over nothing. */
export function mergeDim(a: Dim, b: Dim): Dim {
  if (typeof a === 'number') return a;
  if (typeof b === 'number') return b;
  return a ?? b;
}

/** What is known of a shape by either of two sources. */
export function mergeShapes(a: Shape, b: Shape): Shape {
  if (a === undefined || b === undefined) return a ?? b;
  return a.length === b.length ? a.map((dim, i) => mergeDim(dim, b[i])) : a;
}

/** The product of sizes; a single name may stand among ones. */
export function productOf(dims: readonly Dim[]): Dim {
  let product = 1;
  let name: string | undefined;
  for (const dim of dims) {
    if (typeof dim === 'number') product *= dim;
    else if (dim === undefined || name !== undefined) return undefined;
    else name = dim;
  }
  if (name === undefined) return product;
  return product === 1 ? name : undefined;
}

/** The sum of sizes; undefined when one is not a number. */
export function sumOf(dims: readonly Dim[]): Dim {
  let sum = 0;
  for (const dim of dims) {
    if (typeof dim !== 'number') return undefined;
    sum += dim;
  }
  return sum;
}
