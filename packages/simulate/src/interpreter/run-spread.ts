import type { SpreadStep } from '../network/integer-network.js';
import { type CodeTensor, sizeOf, stridesOf } from './tensor.js';

/** Lays the elements of the spatial axes `strides` apart, with the code of zero between them. */
export function runSpread({ strides, grid }: SpreadStep, input: CodeTensor): CodeTensor {
  const dims = input.dims.map((dim, axis) => (axis < 2 ? dim : (dim - 1) * strides[axis - 2]! + 1));
  const data = new Int32Array(sizeOf(dims)).fill(grid.zeroPoint);
  const from = stridesOf(input.dims);
  const to = stridesOf(dims).map((stride, axis) => (axis < 2 ? stride : stride * strides[axis - 2]!));
  for (let i = 0; i < input.data.length; i++) {
    let at = 0;
    for (let axis = 0; axis < dims.length; axis++)
      at += (Math.floor(i / from[axis]!) % input.dims[axis]!) * to[axis]!;
    data[at] = input.data[i]!;
  }
  return { dims, data };
}
