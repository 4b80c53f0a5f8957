import type { DType } from './dtype.js';
import { BitwrightError } from './errors.js';

/** Typed storage of tensor elements. 16-bit floats and narrower floats are kept as their raw bits; 4- and 2-bit integers one per element; strings as bytes. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | readonly Uint8Array[];

/**
 * The common face of every tensor: a view into a file's buffer, an external range, a lazy closure, or typed results.
 *
 * `data()` may decode on each call; hold on to the result in a loop. Never write into what it returns.
 */
export interface Tensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  data(): TensorData;
}

/** The number of elements of a shape; 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  let count = 1;
  for (const dim of dims) count *= dim;
  return count;
}

/** A tensor over a typed array that is already in memory. */
export class DenseTensor implements Tensor {
  readonly #data: TensorData;

  constructor(
    readonly dtype: DType,
    readonly dims: readonly number[],
    data: TensorData,
  ) {
    if (data.length !== elementCount(dims)) {
      throw new BitwrightError({
        code: 'TENSOR_LENGTH',
        message: `A tensor of shape [${dims.join(', ')}] needs ${elementCount(dims)} elements and got ${data.length}.`,
        hint: 'Give as many elements as the shape holds.',
      });
    }
    this.#data = data;
  }

  data(): TensorData {
    return this.#data;
  }
}

/** A tensor whose elements are made on first use and then kept, e.g. a weight with a batch norm folded in. */
export class LazyTensor implements Tensor {
  #make: (() => TensorData) | undefined;
  #data: TensorData | undefined;

  constructor(
    readonly dtype: DType,
    readonly dims: readonly number[],
    make: () => TensorData,
  ) {
    this.#make = make;
  }

  data(): TensorData {
    if (this.#data === undefined) {
      this.#data = this.#make!();
      this.#make = undefined;
    }
    return this.#data;
  }
}

/** A float tensor from numbers; shape defaults to one dimension. */
export function floatTensor(
  values: ArrayLike<number>,
  dims: readonly number[] = [values.length],
): DenseTensor {
  return new DenseTensor('float', dims, Float32Array.from(values));
}

/** An int64 tensor from safe integers; shape defaults to one dimension. */
export function int64Tensor(
  values: ArrayLike<number>,
  dims: readonly number[] = [values.length],
): DenseTensor {
  return new DenseTensor(
    'int64',
    dims,
    BigInt64Array.from(Array.from(values), (value) => BigInt(value)),
  );
}

/**
 * The elements of a float tensor.
 *
 * @throws TENSOR_DTYPE when the tensor is not `float`.
 */
export function floatData(tensor: Tensor): Float32Array {
  const data = tensor.data();
  if (tensor.dtype === 'float' && data instanceof Float32Array) return data;
  throw new BitwrightError({
    code: 'TENSOR_DTYPE',
    message: `A float tensor was needed and a ${tensor.dtype} tensor was found.`,
    hint: 'Convert the model to float32 first.',
  });
}

/**
 * The elements of any integer (or bool) tensor as JavaScript numbers.
 *
 * @throws TENSOR_DTYPE for float, complex and string tensors.
 */
export function integerData(tensor: Tensor): number[] {
  const data = tensor.data();
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Array.from(data, Number);
  if (tensor.dtype.startsWith('int') || tensor.dtype.startsWith('uint') || tensor.dtype === 'bool') {
    return Array.from(data as Int32Array);
  }
  throw new BitwrightError({
    code: 'TENSOR_DTYPE',
    message: `An integer tensor was needed and a ${tensor.dtype} tensor was found.`,
    hint: 'Check which input of the operator this tensor feeds.',
  });
}
