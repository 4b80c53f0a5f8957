import {
  DenseTensor,
  elementCount,
  floatTensor,
  LazyTensor,
  type Tensor,
  type TensorData,
} from '@bitwright/core';
import type { OpNode } from '@bitwright/graph';
import { stridesOf, walk } from './axes.js';

/** The tensor that a Constant node holds, whichever attribute it uses; undefined for sparse and string forms. */
export function constantNodeTensor(node: OpNode): Tensor | undefined {
  for (const [name, attr] of node.attributes) {
    if (name === 'value' && attr.type === 'tensor') return attr.value;
    if (name === 'value_float' && attr.type === 'float') return floatTensor([attr.value], []);
    if (name === 'value_floats' && attr.type === 'floats') return floatTensor(attr.value);
    if (name === 'value_int' && attr.type === 'int') return bigTensor([attr.value], []);
    if (name === 'value_ints' && attr.type === 'ints') return bigTensor(attr.value, [attr.value.length]);
  }
  return undefined;
}

function bigTensor(values: readonly (number | bigint)[], dims: readonly number[]): Tensor {
  return new DenseTensor(
    'int64',
    dims,
    BigInt64Array.from(values, (value) => BigInt(value)),
  );
}

/** The same elements under another shape; nothing is copied. */
export class ViewTensor implements Tensor {
  constructor(
    private readonly of: Tensor,
    readonly dims: readonly number[],
  ) {}

  get dtype(): Tensor['dtype'] {
    return this.of.dtype;
  }

  data(): TensorData {
    return this.of.data();
  }
}

/** A tensor with its axes in another order; the elements are moved on first use. */
export function transposedTensor(tensor: Tensor, perm: readonly number[]): Tensor {
  const dims = perm.map((axis) => tensor.dims[axis]!);
  return new LazyTensor(tensor.dtype, dims, () => {
    const data = tensor.data();
    const strides = stridesOf(tensor.dims);
    const offsets = walk(dims, (axis) => strides[perm[axis]!]!);
    if (!ArrayBuffer.isView(data))
      return Array.from(offsets, (offset) => (data as readonly Uint8Array[])[offset]!);
    const moved = data.slice() as Float32Array;
    for (let i = 0; i < offsets.length; i++) moved[i] = (data as Float32Array)[offsets[i]!]!;
    return moved;
  });
}

const LAYOUT_ONLY: ReadonlySet<string> = new Set(['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Identity']);

/** What an operator that only changes the layout makes of a constant of any size, without copying now; else undefined. */
export function relaidTensor(node: OpNode, tensor: Tensor): Tensor | undefined {
  if (node.domain !== '') return undefined;
  if (node.opType === 'Transpose')
    return transposedTensor(
      tensor,
      node.attributes.ints('perm') ?? tensor.dims.map((_, i) => tensor.dims.length - 1 - i),
    );
  const shape = node.output.shape;
  if (!LAYOUT_ONLY.has(node.opType) || shape === undefined) return undefined;
  const dims = shape.filter((dim) => typeof dim === 'number');
  if (dims.length !== shape.length || elementCount(dims) !== elementCount(tensor.dims)) return undefined;
  return new ViewTensor(tensor, dims);
}
