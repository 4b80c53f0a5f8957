import { BitwrightError } from '@bitwright/core';

/**
 * Packs 4-bit integers, two a byte, the first in the low half, as ONNX stores INT4 and UINT4.
 *
 * @param values in -8..7 (signed) or 0..15; one over an odd count is padded with 0.
 * @throws TENSOR_VALUE_RANGE for a value that does not fit.
 */
export function pack4(values: ArrayLike<number>, signed: boolean): Uint8Array {
  checkRange(values, 4, signed);
  const bytes = new Uint8Array((values.length + 1) >> 1);
  for (let i = 0; i < values.length; i++) bytes[i >> 1]! |= (values[i]! & 15) << ((i & 1) << 2);
  return bytes;
}

/**
 * Unpacks `count` 4-bit integers, one an element: the inverse of {@link pack4}.
 *
 * @param bytes at least ceil(count / 2) of them.
 */
export function unpack4(bytes: Uint8Array, count: number, signed: true): Int8Array;
export function unpack4(bytes: Uint8Array, count: number, signed: false): Uint8Array;
export function unpack4(bytes: Uint8Array, count: number, signed: boolean): Int8Array | Uint8Array;
export function unpack4(bytes: Uint8Array, count: number, signed: boolean): Int8Array | Uint8Array {
  const values = signed ? new Int8Array(count) : new Uint8Array(count);
  const spare = signed ? 28 : 0;
  for (let i = 0; i < count; i++) {
    values[i] = (((bytes[i >> 1]! >> ((i & 1) << 2)) & 15) << spare) >> spare;
  }
  return values;
}

/**
 * Packs 2-bit integers, four a byte, the first in the lowest bits, as ONNX stores INT2 and UINT2.
 *
 * @param values in -2..1 (signed) or 0..3; a last byte that is not full is padded with 0.
 * @throws TENSOR_VALUE_RANGE for a value that does not fit.
 */
export function pack2(values: ArrayLike<number>, signed: boolean): Uint8Array {
  checkRange(values, 2, signed);
  const bytes = new Uint8Array((values.length + 3) >> 2);
  for (let i = 0; i < values.length; i++) bytes[i >> 2]! |= (values[i]! & 3) << ((i & 3) << 1);
  return bytes;
}

/**
 * Unpacks `count` 2-bit integers, one an element: the inverse of {@link pack2}.
 *
 * @param bytes at least ceil(count / 4) of them.
 */
export function unpack2(bytes: Uint8Array, count: number, signed: true): Int8Array;
export function unpack2(bytes: Uint8Array, count: number, signed: false): Uint8Array;
export function unpack2(bytes: Uint8Array, count: number, signed: boolean): Int8Array | Uint8Array;
export function unpack2(bytes: Uint8Array, count: number, signed: boolean): Int8Array | Uint8Array {
  const values = signed ? new Int8Array(count) : new Uint8Array(count);
  const spare = signed ? 30 : 0;
  for (let i = 0; i < count; i++) {
    values[i] = (((bytes[i >> 2]! >> ((i & 3) << 1)) & 3) << spare) >> spare;
  }
  return values;
}

function checkRange(values: ArrayLike<number>, bits: number, signed: boolean): void {
  const low = signed ? -(2 ** (bits - 1)) : 0;
  const high = low + 2 ** bits - 1;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value >= low && value <= high) continue;
    throw new BitwrightError({
      code: 'TENSOR_VALUE_RANGE',
      message: `Element ${i} is ${value}, and ${signed ? 'a signed' : 'an unsigned'} ${bits}-bit integer lies in ${low}..${high}.`,
      hint: 'Clamp the values to their grid before they are packed.',
    });
  }
}
