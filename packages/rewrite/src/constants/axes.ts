/** An axis counted from the front; undefined when it lies outside. */
export function normalAxis(axis: number, rank: number): number | undefined {
  const normal = axis < 0 ? axis + rank : axis;
  return normal >= 0 && normal < rank ? normal : undefined;
}

/** Several axes counted from the front; undefined when one lies outside. */
export function normalAxes(axes: readonly number[], rank: number): number[] | undefined {
  const normal = axes.map((axis) => normalAxis(axis, rank));
  return normal.every((axis) => axis !== undefined) ? (normal as number[]) : undefined;
}

/** Row-major strides. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  for (let i = dims.length - 1, stride = 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= dims[i]!;
  }
  return strides;
}

/** The shape that numbers broadcast to; undefined when they do not fit. */
export function broadcastNumbers(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const dims: number[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    dims.push(x === 1 ? y : x);
  }
  return dims;
}

/** For each element of `dims`, in order, the index of the element of a tensor of shape `from` that broadcasts to it. */
export function broadcastIndices(from: readonly number[], dims: readonly number[]): Int32Array {
  const lead = dims.length - from.length;
  const strides = stridesOf(from).map((stride, i) => (from[i] === 1 ? 0 : stride));
  return walk(dims, (axis) => strides[axis - lead] ?? 0);
}

/** For each element of `dims`, in order, its offset when a step along an axis moves by a given stride, from a start. */
export function walk(dims: readonly number[], strideOf: (axis: number) => number, start = 0): Int32Array {
  const count = dims.reduce((product, dim) => product * dim, 1);
  const offsets = new Int32Array(count);
  const steps = dims.map((_, axis) => strideOf(axis));
  const index = new Array<number>(dims.length).fill(0);
  for (let i = 0, offset = start; i < count; i++) {
    offsets[i] = offset;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      offset += steps[axis]!;
      if (++index[axis]! < dims[axis]!) break;
      offset -= steps[axis]! * dims[axis]!;
      index[axis] = 0;
    }
  }
  return offsets;
}
