/** One field of a protobuf message, packed or not, read in the way that its number asks for. */
export interface WireField {
  readonly number: number;
  bytes(): Uint8Array;
  /** Varints, as signed integers of 64 bits. */
  integers(): readonly bigint[];
  floats(): readonly number[];
  doubles(): readonly number[];
}

/**
 * The fields of a protobuf message in their order (https://protobuf.dev/programming-guides/encoding).
 *
 * @throws Error with a short reason when the bytes are no message.
 */
export function* wireFields(bytes: Uint8Array): Generator<WireField, void, void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at < bytes.length) {
    const tag = varint(bytes, at);
    at = tag.end;
    const number = Number(tag.value >> 3n);
    const type = Number(tag.value & 7n);
    let start = at;
    let end: number;
    if (type === 0) end = varint(bytes, at).end;
    else if (type === 1) end = at + 8;
    else if (type === 5) end = at + 4;
    else if (type === 2) {
      const length = varint(bytes, at);
      start = length.end;
      end = start + Number(length.value);
    } else throw new Error(`it has a field of wire type ${type}`);
    if (number === 0 || end > bytes.length) throw new Error('it ends within a field');
    at = end;
    yield {
      number,
      bytes: () => bytes.subarray(start, end),
      integers: () => [...varints(bytes, start, end)],
      floats: () => each(start, end, 4, (offset) => view.getFloat32(offset, true)),
      doubles: () => each(start, end, 8, (offset) => view.getFloat64(offset, true)),
    };
  }
}

function each(
  start: number,
  end: number,
  step: number,
  read: (offset: number) => number,
): readonly number[] {
  return Array.from({ length: Math.floor((end - start) / step) }, (_, i) => read(start + i * step));
}

function* varints(bytes: Uint8Array, start: number, end: number): Generator<bigint, void, void> {
  let at = start;
  while (at < end) {
    const { value, end: next } = varint(bytes, at);
    yield BigInt.asIntN(64, value);
    at = next;
  }
}

function varint(bytes: Uint8Array, start: number): { value: bigint; end: number } {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) throw new Error('it ends within a number');
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value, end: start + i + 1 };
  }
  throw new Error('it has a number of more than 64 bits');
}
