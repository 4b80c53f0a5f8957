/** A tensor while a network is interpreted: codes, or floats at its ends. */
export interface CodeTensor {
  readonly dims: readonly number[];
  readonly data: Int32Array | Float32Array;
}

/** The number of elements of the dimensions from `from` to `to`. */
export function sizeOf(dims: readonly number[], from = 0, to = dims.length): number {
  let size = 1;
  for (let i = from; i < to; i++) size *= dims[i]!;
  return size;
}

/** The distance between neighbours along each dimension. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  let stride = 1;
  for (let i = dims.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= dims[i]!;
  }
  return strides;
}

/** Where each element of a broadcast operand is read for an element of the result. */
export function broadcastIndex(dims: readonly number[], result: readonly number[]): Int32Array {
  const strides = stridesOf(dims);
  const offset = result.length - dims.length;
  const index = new Int32Array(sizeOf(result));
  const counters = new Array<number>(result.length).fill(0);
  for (let i = 0; i < index.length; i++) {
    let at = 0;
    for (let d = 0; d < dims.length; d++) if (dims[d] !== 1) at += counters[d + offset]! * strides[d]!;
    index[i] = at;
    for (let d = result.length - 1; d >= 0; d--) {
      if (++counters[d]! < result[d]!) break;
      counters[d] = 0;
    }
  }
  return index;
}

/** The shape of the result of an element-wise operator. */
export function broadcastDims(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const first = a[a.length - rank + i] ?? 1;
    const second = b[b.length - rank + i] ?? 1;
    return first === 1 ? second : first;
  });
}
