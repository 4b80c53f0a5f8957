import { BitwrightError, type DType } from '@bitwright/core';
import { BFLOAT16, decodeNarrowFloat, encodeNarrowFloat, FLOAT16 } from './narrow-float.js';

/** A typed array that a numeric tensor is stored in. */
export type Elements =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

interface ElementKind {
  readonly make: (count: number) => Elements;
  readonly bytes: number;
  /** The stored form of a number; undefined when the type cannot hold it (integers must be whole and in range). */
  readonly encode: (value: number) => number | bigint | undefined;
}

const whole =
  (low: number, high: number) =>
  (value: number): number | undefined =>
    Number.isInteger(value) && value >= low && value <= high ? value + 0 : undefined;

const wide =
  (low: number) =>
  (value: number): bigint | undefined =>
    Number.isSafeInteger(value) && value >= low ? BigInt(value) : undefined;

const KINDS: Partial<Record<DType, ElementKind>> = {
  float: { make: (n) => new Float32Array(n), bytes: 4, encode: (v) => finite(Math.fround(v)) },
  double: { make: (n) => new Float64Array(n), bytes: 8, encode: finite },
  float16: { make: (n) => new Uint16Array(n), bytes: 2, encode: (v) => narrow(v, 'float16') },
  bfloat16: { make: (n) => new Uint16Array(n), bytes: 2, encode: (v) => narrow(v, 'bfloat16') },
  int8: { make: (n) => new Int8Array(n), bytes: 1, encode: whole(-128, 127) },
  uint8: { make: (n) => new Uint8Array(n), bytes: 1, encode: whole(0, 255) },
  int16: { make: (n) => new Int16Array(n), bytes: 2, encode: whole(-32768, 32767) },
  uint16: { make: (n) => new Uint16Array(n), bytes: 2, encode: whole(0, 65535) },
  int32: { make: (n) => new Int32Array(n), bytes: 4, encode: whole(-(2 ** 31), 2 ** 31 - 1) },
  uint32: { make: (n) => new Uint32Array(n), bytes: 4, encode: whole(0, 2 ** 32 - 1) },
  int64: { make: (n) => new BigInt64Array(n), bytes: 8, encode: wide(-Infinity) },
  uint64: { make: (n) => new BigUint64Array(n), bytes: 8, encode: wide(0) },
  bool: { make: (n) => new Uint8Array(n), bytes: 1, encode: whole(0, 1) },
};

/**
 * The element types that data can be made in.
 *
 * @throws DATA_DTYPE for strings, complex numbers and types of less than 8 bits, naming the input.
 */
export function elementKind(dtype: DType, input: string): ElementKind {
  const kind = KINDS[dtype];
  if (kind !== undefined) return kind;
  throw new BitwrightError({
    code: 'DATA_DTYPE',
    message: `The model's input '${input}' has elements of type ${dtype}, and no data can be made for that type.`,
    hint: "Feed the model's tensors with the format 'onnx-tensors', or give the model an input of another type.",
    at: { value: input },
  });
}

/** True for the types whose elements are not whole numbers. */
export function isFloatType(dtype: DType): boolean {
  return dtype === 'float' || dtype === 'double' || dtype === 'float16' || dtype === 'bfloat16';
}

/** The number that a stored element stands for; integers of 64 bits are rounded to a double. */
export function decodeElement(stored: number | bigint, dtype: DType): number {
  if (dtype === 'float16') return decodeNarrowFloat(Number(stored), FLOAT16);
  if (dtype === 'bfloat16') return decodeNarrowFloat(Number(stored), BFLOAT16);
  return Number(stored);
}

/** Why and where a conversion failed. */
export interface ConversionFault {
  readonly index: number;
  readonly value: number | bigint;
  readonly reason: 'not finite' | 'inexact';
}

/**
 * Copies elements into a tensor's storage and converts them to its type.
 *
 * Floats may be rounded to a narrower float; whole numbers only pass where the other type holds exactly that number, and
 * NaN and infinities never do.
 *
 * @returns the first element that cannot pass, or undefined when all did.
 */
export function convertElements(
  from: Elements,
  fromType: DType,
  to: Elements,
  offset: number,
  toType: DType,
): ConversionFault | undefined {
  if (fromType === toType) {
    const bad = isFloatType(fromType) ? firstNotFinite(from, fromType) : -1;
    if (bad >= 0) return fault(from, fromType, bad, 'not finite');
    (to as Float32Array).set(from as Float32Array, offset);
    return undefined;
  }
  const encode = elementKind(toType, '').encode;
  const exact = !isFloatType(fromType);
  const narrowed = from.BYTES_PER_ELEMENT === 2;
  for (let i = 0; i < from.length; i++) {
    const raw = from[i]!;
    const value = narrowed ? decodeElement(raw, fromType) : Number(raw);
    const stored = encode(value);
    if (stored === undefined || (exact && !sameNumber(stored, raw, toType))) {
      return fault(from, fromType, i, Number.isFinite(value) ? 'inexact' : 'not finite');
    }
    to[offset + i] = stored;
  }
  return undefined;
}

function sameNumber(stored: number | bigint, raw: number | bigint, toType: DType): boolean {
  const back = typeof stored === 'bigint' ? stored : decodeElement(stored, toType);
  // Loose equality compares a bigint with a number exactly, without rounding either.
  // biome-ignore lint/suspicious/noDoubleEquals: the types differ on purpose.
  return back == raw;
}

function firstNotFinite(data: Elements, dtype: DType): number {
  if (data instanceof Uint16Array) {
    return data.findIndex((bits) => !Number.isFinite(decodeElement(bits, dtype)));
  }
  const floats = data as Float32Array;
  for (let i = 0; i < floats.length; i++) if (!Number.isFinite(floats[i]!)) return i;
  return -1;
}

function fault(
  from: Elements,
  dtype: DType,
  index: number,
  reason: ConversionFault['reason'],
): ConversionFault {
  const raw = from[index]!;
  return { index, value: typeof raw === 'bigint' ? raw : decodeElement(raw, dtype), reason };
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

function narrow(value: number, dtype: 'float16' | 'bfloat16'): number | undefined {
  const bits = encodeNarrowFloat(value, dtype === 'float16' ? FLOAT16 : BFLOAT16);
  return Number.isFinite(decodeElement(bits, dtype)) ? bits : undefined;
}
