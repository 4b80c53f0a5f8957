import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pack2, pack4, unpack2, unpack4 } from './index.js';

describe.each([
  { bits: 4, pack: pack4, unpack: unpack4 as Unpack },
  { bits: 2, pack: pack2, unpack: unpack2 as Unpack },
])('$bits bits', ({ bits, pack, unpack }) => {
  const range = (signed: boolean) =>
    signed ? { min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 } : { min: 0, max: 2 ** bits - 1 };

  it.each([true, false])('come back as they were (signed: %s)', (signed) => {
    fc.assert(
      fc.property(fc.array(fc.integer(range(signed)), { maxLength: 40 }), (values) => {
        const packed = pack(values, signed);
        expect(packed.length).toBe(Math.ceil((values.length * bits) / 8));
        expect(Array.from(unpack(packed, values.length, signed))).toEqual(values);
      }),
    );
  });

  it.each([true, false])('refuse a value just outside of the range (signed: %s)', (signed) => {
    const { min, max } = range(signed);
    for (const value of [min - 1, max + 1, Number.NaN]) {
      expect(() => pack([0, value], signed)).toThrow(expect.objectContaining({ code: 'TENSOR_VALUE_RANGE' }));
    }
  });
});

type Unpack = (bytes: Uint8Array, count: number, signed: boolean) => Int8Array | Uint8Array;

it('the first element lies in the lowest bits', () => {
  expect(pack4([1, 2, 3], false)).toEqual(Uint8Array.of(0x21, 0x03));
  expect(pack4([-1, 7, -8], true)).toEqual(Uint8Array.of(0x7f, 0x08));
  expect(pack2([1, 2, 3, 0, 2], false)).toEqual(Uint8Array.of(0b00111001, 0b10));
  expect(unpack4(Uint8Array.of(0x8f), 2, true)).toEqual(Int8Array.of(-1, -8));
  expect(unpack2(Uint8Array.of(0b10_01_11_00), 4, true)).toEqual(Int8Array.of(0, -1, 1, -2));
});
