import { DTYPES, type DType, type TensorData } from '@bitwright/core';
import type { TensorProto } from './messages.js';
import { pack2, pack4, unpack2, unpack4 } from './pack-bits.js';

/** The typed field of a TensorProto that holds elements which are not raw. */
export type TypedField = 'floatData' | 'int32Data' | 'stringData' | 'int64Data' | 'doubleData' | 'uint64Data';

type NumericData = Exclude<TensorData, readonly Uint8Array[]>;
type NumericArray = {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): NumericData;
};

/** How the elements of a type are kept in memory and in a TensorProto. */
export interface Storage {
  /** The class of `Tensor.data()`. */
  readonly array: NumericArray;
  /** Where elements lie that are not raw (onnx.proto, comments of TensorProto). */
  readonly field: TypedField;
  /** Array elements that make one tensor element: 2 for complex numbers. */
  readonly parts: 1 | 2;
}

const NARROW = { field: 'int32Data', parts: 1 } as const;

const STORAGE: { readonly [D in Exclude<DType, 'string'>]: Storage } = {
  float: { array: Float32Array, field: 'floatData', parts: 1 },
  uint8: { array: Uint8Array, ...NARROW },
  int8: { array: Int8Array, ...NARROW },
  uint16: { array: Uint16Array, ...NARROW },
  int16: { array: Int16Array, ...NARROW },
  int32: { array: Int32Array, ...NARROW },
  int64: { array: BigInt64Array, field: 'int64Data', parts: 1 },
  bool: { array: Uint8Array, ...NARROW },
  float16: { array: Uint16Array, ...NARROW },
  double: { array: Float64Array, field: 'doubleData', parts: 1 },
  uint32: { array: Uint32Array, field: 'uint64Data', parts: 1 },
  uint64: { array: BigUint64Array, field: 'uint64Data', parts: 1 },
  complex64: { array: Float32Array, field: 'floatData', parts: 2 },
  complex128: { array: Float64Array, field: 'doubleData', parts: 2 },
  bfloat16: { array: Uint16Array, ...NARROW },
  float8e4m3fn: { array: Uint8Array, ...NARROW },
  float8e4m3fnuz: { array: Uint8Array, ...NARROW },
  float8e5m2: { array: Uint8Array, ...NARROW },
  float8e5m2fnuz: { array: Uint8Array, ...NARROW },
  uint4: { array: Uint8Array, ...NARROW },
  int4: { array: Int8Array, ...NARROW },
  float4e2m1: { array: Uint8Array, ...NARROW },
  float8e8m0: { array: Uint8Array, ...NARROW },
  uint2: { array: Uint8Array, ...NARROW },
  int2: { array: Int8Array, ...NARROW },
};

/** How a type is stored; strings have no numeric storage. */
export function storageOf(dtype: Exclude<DType, 'string'>): Storage {
  return STORAGE[dtype];
}

/** The bytes that `count` elements take in raw form. */
export function rawLength(dtype: DType, count: number): number {
  return Math.ceil((count * DTYPES[dtype].bits) / 8);
}

/**
 * Elements from their raw form: a view when `bytes` is aligned for the type, else a copy; 4- and 2-bit types unpacked.
 *
 * @param bytes exactly {@link rawLength} of them, little-endian like every host that JavaScript engines still support.
 */
export function fromRaw(dtype: Exclude<DType, 'string'>, bytes: Uint8Array, count: number): NumericData {
  const { array, parts } = STORAGE[dtype];
  const { bits } = DTYPES[dtype];
  if (bits === 4) return unpack4(bytes, count, dtype === 'int4');
  if (bits === 2) return unpack2(bytes, count, dtype === 'int2');
  const aligned = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return new array(aligned.buffer, aligned.byteOffset, count * parts);
}

/** The raw form of elements: a view of their memory, or packed bytes for 4- and 2-bit types. The inverse of {@link fromRaw}. */
export function toRaw(dtype: Exclude<DType, 'string'>, data: NumericData): Uint8Array {
  const { bits } = DTYPES[dtype];
  if (bits === 4) return pack4(data as Int8Array | Uint8Array, dtype === 'int4');
  if (bits === 2) return pack2(data as Int8Array | Uint8Array, dtype === 'int2');
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** The elements that a typed field holds, or undefined when their number is wrong. */
export function fromTypedField(
  dtype: Exclude<DType, 'string'>,
  proto: TensorProto,
  count: number,
): NumericData | undefined {
  const { array, field, parts } = STORAGE[dtype];
  const { bits } = DTYPES[dtype];
  const held = proto[field] as NumericData | undefined;
  const packed = bits < 8;
  if ((held?.length ?? 0) !== (packed ? rawLength(dtype, count) : count * parts)) return undefined;
  if (held === undefined) return new array(new ArrayBuffer(0));
  if (held instanceof array) return held;
  if (packed) return fromRaw(dtype, Uint8Array.from(held as Int32Array), count);
  const data = new array(new ArrayBuffer(count * array.BYTES_PER_ELEMENT)) as Int32Array;
  for (let i = 0; i < data.length; i++) data[i] = Number(held[i]!);
  return data;
}
