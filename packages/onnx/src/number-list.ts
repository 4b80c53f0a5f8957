import type { ArrayKind } from './field.js';
import { readVarint64, varintHigh, varintLow } from './varint.js';

/** The typed arrays that hold repeated numbers. */
export type NumberArray = Float32Array | Float64Array | Int32Array | BigInt64Array | BigUint64Array;

const MAKE = {
  floats: Float32Array,
  packedFloats: Float32Array,
  packedDoubles: Float64Array,
  packedInt32s: Int32Array,
  packedInt64s: BigInt64Array,
  packedUint64s: BigUint64Array,
} as const;

/**
 * Collects the numbers of one repeated field, which may come packed, singly or both, into one typed array.
 *
 * Works on 32-bit words, so that no BigInt is made per element; grows by doubling, so that any order of fields on the
 * wire costs linear time.
 */
export class NumberList {
  readonly #kind: ArrayKind;
  #words: Int32Array;
  #used = 0;

  /** @param begun elements of an earlier occurrence of the same message, kept in front. */
  constructor(kind: ArrayKind, begun?: NumberArray) {
    this.#kind = kind;
    this.#words = new Int32Array(0);
    if (begun !== undefined) this.#append(new Uint8Array(begun.buffer, begun.byteOffset, begun.byteLength));
  }

  /** Bytes of one element: on the wire too, for floats and doubles. */
  get width(): number {
    return MAKE[this.#kind].BYTES_PER_ELEMENT;
  }

  /** True for kinds whose elements have a fixed width on the wire. */
  get fixed(): boolean {
    return this.#kind === 'floats' || this.#kind === 'packedFloats' || this.#kind === 'packedDoubles';
  }

  /**
   * Adds every element in `bytes[start, end)`, a packed run or one single element.
   *
   * @throws RangeError when an element is cut off.
   */
  add(bytes: Uint8Array, start: number, end: number): void {
    if (this.fixed) {
      if ((end - start) % this.width !== 0) throw new RangeError('packed numbers are cut off');
      this.#append(bytes.subarray(start, end));
      return;
    }
    let count = 0;
    for (let at = start; at < end; at++) if (bytes[at]! < 0x80) count++;
    const wide = this.#kind !== 'packedInt32s';
    this.#reserve(wide ? 2 * count : count);
    let used = this.#used;
    for (let at = start; at < end; ) {
      at = readVarint64(bytes, at, end);
      this.#words[used++] = varintLow;
      if (wide) this.#words[used++] = varintHigh;
    }
    this.#used = used;
  }

  /** The collected elements. */
  finish(): NumberArray {
    const bytes = this.#used * 4;
    const { buffer } = this.#words;
    return new MAKE[this.#kind](
      (buffer.byteLength === bytes ? buffer : buffer.slice(0, bytes)) as ArrayBuffer,
    );
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length / 4);
    new Uint8Array(this.#words.buffer, this.#used * 4, bytes.length).set(bytes);
    this.#used += bytes.length / 4;
  }

  #reserve(words: number): void {
    const need = this.#used + words;
    if (need <= this.#words.length) return;
    // The first run is exact, because most fields have one; `add` bounds it by the bytes that are really there.
    const grown = new Int32Array(this.#used === 0 ? need : Math.max(need, 2 * this.#words.length));
    grown.set(this.#words.subarray(0, this.#used));
    this.#words = grown;
  }
}
