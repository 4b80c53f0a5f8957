import {
  type ByteSourceResolver,
  type DType,
  elementCount,
  type Tensor,
  type TensorData,
} from '@bitwright/core';
import { ProtoTensor, type SparseTensorProto } from '@bitwright/onnx';
import { failModel } from './model-errors.js';

/**
 * A sparse initializer with the face of a dense tensor: the elements are spread out when they are asked for.
 *
 * `sparse` is the message that it was read from, by which emission writes it back as it was.
 */
export class SparseTensor implements Tensor {
  readonly dims: readonly number[];
  readonly #values: ProtoTensor;
  readonly #indices: ProtoTensor;

  constructor(
    readonly sparse: SparseTensorProto,
    resolve?: ByteSourceResolver,
  ) {
    this.dims = (sparse.dims ?? []).map(Number);
    this.#values = new ProtoTensor(sparse.values ?? {}, resolve);
    this.#indices = new ProtoTensor(sparse.indices ?? {}, resolve);
  }

  get name(): string {
    return this.sparse.values?.name ?? '';
  }

  get dtype(): DType {
    return this.#values.dtype;
  }

  /** @throws MODEL_SPARSE_INVALID for an index outside of the shape, or a type that has no zero. */
  data(): TensorData {
    const values = this.#values.data();
    const indices = this.#indices.data();
    if (!ArrayBuffer.isView(values) || !(indices instanceof BigInt64Array)) return this.#invalid('its types');
    const dense = new (values.constructor as Float32ArrayConstructor)(elementCount(this.dims));
    const linear = this.#indices.dims.length < 2;
    const strides = linear ? [1] : stridesOf(this.dims);
    for (let i = 0; i < values.length; i++) {
      let at = 0;
      for (const [axis, stride] of strides.entries())
        at += Number(indices[i * strides.length + axis]) * stride;
      if (!(at >= 0 && at < dense.length)) return this.#invalid(`its index ${at}`);
      dense[at] = (values as Float32Array)[i]!;
    }
    return dense;
  }

  #invalid(what: string): never {
    return failModel(
      'MODEL_SPARSE_INVALID',
      `The sparse initializer '${this.name}' of shape [${this.dims.join(', ')}] cannot be read because of ${what}.`,
      'Store it as a dense initializer, or mend the exporter that wrote it.',
      { value: this.name },
    );
  }
}

function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  for (let axis = dims.length - 1, stride = 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= dims[axis]!;
  }
  return strides;
}
