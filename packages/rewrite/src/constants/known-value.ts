import { DenseTensor, type DType, elementCount, type Tensor, type TensorData } from '@bitwright/core';

/** One element: a number, a bigint for 64-bit integers, the name of a symbolic dimension, or undefined when it is not known. */
export type Element = number | bigint | string | undefined;

/** A small tensor of which some elements may be known at compile time. */
export interface KnownValue {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly elements: readonly Element[];
}

const ARRAYS = {
  float: Float32Array,
  double: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;

type KnownDType = keyof typeof ARRAYS;

/** True for the element types that constants are computed in. */
export function isKnownDType(dtype: DType | undefined): dtype is KnownDType {
  return dtype !== undefined && Object.hasOwn(ARRAYS, dtype);
}

/** True for element types whose elements are bigints. */
export function isBig(dtype: DType): boolean {
  return dtype === 'int64' || dtype === 'uint64';
}

/** True for integer element types (bool is none). */
export function isInteger(dtype: DType): boolean {
  return /^u?int/.test(dtype);
}

/** A tensor as a known value; undefined when it is larger than the limit or of a type that is not computed. */
export function knownOfTensor(tensor: Tensor, limit: number): KnownValue | undefined {
  if (!isKnownDType(tensor.dtype) || elementCount(tensor.dims) > limit) return undefined;
  const data = tensor.data() as Exclude<TensorData, readonly Uint8Array[]>;
  return {
    dtype: tensor.dtype,
    dims: tensor.dims,
    elements: Array.from<number | bigint>(data as Float32Array),
  };
}

/** A known value as a tensor; undefined while any element is unknown. */
export function tensorOfKnown({ dtype, dims, elements }: KnownValue): Tensor | undefined {
  if (
    !isKnownDType(dtype) ||
    !elements.every((element) => typeof element !== 'string' && element !== undefined)
  )
    return undefined;
  const data = isBig(dtype)
    ? ARRAYS[dtype as 'int64'].from(elements as readonly bigint[])
    : ARRAYS[dtype as 'float'].from(elements as readonly number[]);
  return new DenseTensor(dtype, dims, data);
}

/** A one-dimensional int64 value; what is no number stays a symbol or unknown. */
export function knownInts(
  values: readonly (number | string | undefined)[],
  dims = [values.length],
): KnownValue {
  return { dtype: 'int64', dims, elements: values.map((v) => (typeof v === 'number' ? BigInt(v) : v)) };
}

/** The elements as plain numbers where they are known; undefined for an unknown value. Beyond 2^53 they are rounded. */
export function numbersOf(known: KnownValue | undefined): (number | undefined)[] | undefined {
  return known?.elements.map((e) => (typeof e === 'string' || e === undefined ? undefined : Number(e)));
}

/** The elements as plain numbers; undefined unless all are known. */
export function allNumbers(known: KnownValue | undefined): number[] | undefined {
  const numbers = numbersOf(known);
  return numbers?.every((n) => n !== undefined) ? (numbers as number[]) : undefined;
}

/** An exact result put into the range and precision of an element type. */
export function wrapped(dtype: DType, value: number | bigint): number | bigint {
  switch (dtype) {
    case 'int64':
      return BigInt.asIntN(64, toBig(value));
    case 'uint64':
      return BigInt.asUintN(64, toBig(value));
    case 'bool':
      return Number(value) === 0 ? 0 : 1;
    case 'float':
      return Math.fround(Number(value));
    case 'double':
      return Number(value);
    default:
      return wrappedSmall(dtype, Number(value));
  }
}

function wrappedSmall(dtype: DType, value: number): number {
  const bits = Number(/\d+$/.exec(dtype)?.[0] ?? 32);
  const whole = Math.trunc(value);
  return Number(
    dtype.startsWith('u') ? BigInt.asUintN(bits, toBig(whole)) : BigInt.asIntN(bits, toBig(whole)),
  );
}

function toBig(value: number | bigint): bigint {
  if (typeof value === 'bigint') return value;
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
}
