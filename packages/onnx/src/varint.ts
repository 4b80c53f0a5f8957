import type { Writer } from 'protobufjs/minimal.js';
import type { Int64 } from './messages.js';

// Results of the last readVarint64: two words without an object a number. ES module bindings are live.
/** The low 32 bits of the varint that {@link readVarint64} read last. */
export let varintLow = 0;
/** The high 32 bits of the varint that {@link readVarint64} read last. */
export let varintHigh = 0;

/**
 * Reads a varint of up to 64 bits in `bytes[at, end)` into {@link varintLow} and {@link varintHigh}.
 *
 * @returns the position behind it.
 * @throws RangeError when it is cut off or longer than ten bytes.
 */
export function readVarint64(bytes: Uint8Array, at: number, end: number): number {
  let low = 0;
  let high = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    if (at >= end) throw new RangeError('a varint is cut off');
    const byte = bytes[at++]!;
    const bits = byte & 0x7f;
    if (shift < 28) low |= bits << shift;
    else if (shift === 28) {
      low |= bits << 28;
      high = bits >>> 4;
    } else high |= bits << (shift - 32);
    if (byte < 0x80) {
      varintLow = low;
      varintHigh = high;
      return at;
    }
  }
  throw new RangeError('a varint has more than ten bytes');
}

/** The signed 64-bit integer of two words: a number when it is safe, else a bigint. */
export function int64Of(low: number, high: number): Int64 {
  const value = (high | 0) * 4294967296 + (low >>> 0);
  return Number.isSafeInteger(value) ? value : (BigInt(high | 0) << 32n) | BigInt(low >>> 0);
}

/** The low 32 bits of a 64-bit integer, in two's complement. */
export function lowWord(value: Int64): number {
  return typeof value === 'number' ? value | 0 : Number(BigInt.asIntN(32, value));
}

/** The high 32 bits of a 64-bit integer, in two's complement. */
export function highWord(value: Int64): number {
  return typeof value === 'number' ? Math.floor(value / 4294967296) : Number(BigInt.asIntN(32, value >> 32n));
}

/** The bytes that a 64-bit varint takes: 1 to 10. */
export function varintSize(low: number, high: number): number {
  if (high === 0) {
    const value = low >>> 0;
    return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
  }
  return Math.ceil((64 - Math.clz32(high)) / 7);
}

/** Writes a 64-bit varint where the writer stands; its buffer must have room for it. */
export function writeVarint64(writer: Writer, low: number, high: number): void {
  const bytes = writer.buf;
  let at = writer.pos;
  while (high !== 0) {
    bytes[at++] = (low & 0x7f) | 0x80;
    low = (low >>> 7) | (high << 25);
    high >>>= 7;
  }
  low >>>= 0;
  while (low > 0x7f) {
    bytes[at++] = (low & 0x7f) | 0x80;
    low >>>= 7;
  }
  bytes[at++] = low;
  writer.pos = at;
}
