import { BitwrightError } from '@bitwright/core';
import { Reader } from 'protobufjs/minimal.js';
import { type ArrayKind, type Field, type LooseMessage, MAX_DEPTH, type Schema, WIRE } from './field.js';
import type { Int64 } from './messages.js';
import { type NumberArray, NumberList } from './number-list.js';
import { decodeText } from './text.js';
import { int64Of, readVarint64, varintHigh, varintLow } from './varint.js';

/**
 * Decodes a message from a buffer by its {@link Schema}.
 *
 * Byte fields are views into the buffer. Fields that the schema does not know, or that have another wire type than it
 * says, are kept as raw runs in `unknown`. As protobuf demands, a second occurrence of a singular message is merged into
 * the first, the last of a oneof wins, and repeated numbers are read packed or not.
 */
export class MessageReader {
  readonly #reader: Reader;
  readonly #file: string;

  /** @param file how messages of errors call the buffer. */
  constructor(bytes: Uint8Array, file: string) {
    // A Buffer would hand out Buffers, whose slice() and toString() differ from those of the Uint8Array that is promised.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#reader = new Reader(plain);
    this.#file = file;
  }

  /**
   * Decodes the whole buffer.
   *
   * @throws ONNX_TOO_DEEP; for anything malformed the plain errors of the wire format, which the caller explains.
   */
  read(schema: Schema): LooseMessage {
    const message: LooseMessage = {};
    this.#readFields(schema, message, 0);
    return message;
  }

  /** Reads fields up to the reader's limit. */
  #readFields(schema: Schema, message: LooseMessage, depth: number): void {
    const reader = this.#reader;
    let lists: Map<Field, NumberList> | undefined;
    while (reader.pos < reader.len) {
      const start = reader.pos;
      const tag = reader.tag();
      const wire = tag & 7;
      const field = schema.byNumber[tag >>> 3];
      if (field === undefined || !accepts(field, wire)) {
        reader.skipType(wire, depth, tag >>> 3);
        message.unknown ??= [];
        message.unknown.push(reader.raw(start, reader.pos));
        continue;
      }
      const numbers = arrayKind(field);
      if (numbers === undefined) this.#readField(field, wire, message, depth);
      else {
        lists ??= new Map();
        let list = lists.get(field);
        if (list === undefined) {
          list = new NumberList(numbers, message[field.name] as NumberArray | undefined);
          lists.set(field, list);
        }
        const end = this.#valueEnd(wire);
        list.add(reader.buf, reader.pos, end);
        reader.pos = end;
      }
    }
    if (lists !== undefined) finishLists(lists, message);
  }

  #readField(field: Field, wire: number, message: LooseMessage, depth: number): void {
    const reader = this.#reader;
    for (const rival of field.rivals) delete message[rival];
    switch (field.kind) {
      case 'int32':
        message[field.name] = reader.int32();
        return;
      case 'int64':
        message[field.name] = this.#int64();
        return;
      case 'float':
        message[field.name] = reader.float();
        return;
      case 'string':
        message[field.name] = this.#string();
        return;
      case 'bytes':
        message[field.name] = reader.bytes();
        return;
      case 'message': {
        const held = (message[field.name] ?? {}) as LooseMessage;
        message[field.name] = held;
        this.#readNested(field.message!, held, depth);
        return;
      }
      default:
        this.#readElement(field, wire, message, depth);
    }
  }

  #readElement(field: Field, wire: number, message: LooseMessage, depth: number): void {
    const reader = this.#reader;
    const list = (message[field.name] ?? []) as unknown[];
    switch (field.kind) {
      case 'messages': {
        const element: LooseMessage = {};
        list.push(element);
        this.#readNested(field.message!, element, depth);
        break;
      }
      case 'strings':
        list.push(this.#string());
        break;
      case 'bytesList':
        list.push(reader.bytes());
        break;
      default:
        for (const end = this.#valueEnd(wire); reader.pos < end; ) list.push(this.#int64());
    }
    if (list.length > 0) message[field.name] = list;
  }

  #readNested(schema: Schema, message: LooseMessage, depth: number): void {
    if (depth >= MAX_DEPTH) throw tooDeep(this.#file);
    const reader = this.#reader;
    const limit = reader.len;
    reader.len = this.#valueEnd(WIRE.bytes);
    this.#readFields(schema, message, depth + 1);
    reader.len = limit;
  }

  /** Where the value that begins here ends: behind its length prefix the reader then stands at the value's first byte. */
  #valueEnd(wire: number): number {
    const reader = this.#reader;
    if (wire === WIRE.varint) {
      let end = reader.pos;
      while (end < reader.len && reader.buf[end]! > 0x7f) end++;
      if (end >= reader.len) throw new RangeError(`a varint at ${reader.pos} is cut off`);
      return end + 1;
    }
    const length = wire === WIRE.fixed32 ? 4 : wire === WIRE.fixed64 ? 8 : reader.size();
    const end = reader.pos + length;
    if (end > reader.len) throw new RangeError(`a field of ${length} bytes at ${reader.pos} ends too late`);
    return end;
  }

  #int64(): Int64 {
    const reader = this.#reader;
    const first = reader.buf[reader.pos]!;
    if (first < 0x80 && reader.pos < reader.len) {
      reader.pos++;
      return first;
    }
    reader.pos = readVarint64(reader.buf, reader.pos, reader.len);
    return int64Of(varintLow, varintHigh);
  }

  #string(): string {
    const reader = this.#reader;
    const start = reader.pos;
    const text = reader.string();
    if (!text.includes('\ufffd')) return text;
    // Either the text has this character or bytes that are not UTF-8 were replaced, which would lose them.
    reader.pos = start;
    return decodeText(reader.bytes());
  }
}

/** The error for messages that nest deeper than any protobuf reader follows. */
export function tooDeep(file: string): BitwrightError {
  return new BitwrightError({
    code: 'ONNX_TOO_DEEP',
    message: `${file} nests more than ${MAX_DEPTH} messages in each other, which no ONNX reader follows.`,
    hint: 'Flatten the nested subgraphs or types; if the file is no such model, it is damaged.',
    at: { file },
  });
}

function finishLists(lists: Map<Field, NumberList>, message: LooseMessage): void {
  for (const [field, list] of lists) {
    const numbers = list.finish();
    if (numbers.length > 0) message[field.name] = numbers;
  }
}

/** True when a value of this wire type can be read into the field; any other is kept as an unknown field. */
function accepts(field: Field, wire: number): boolean {
  switch (field.kind) {
    case 'int32':
    case 'int64':
      return wire === WIRE.varint;
    case 'float':
      return wire === WIRE.fixed32;
    case 'int64s':
    case 'packedInt32s':
    case 'packedInt64s':
    case 'packedUint64s':
      return wire === WIRE.bytes || wire === WIRE.varint;
    case 'floats':
    case 'packedFloats':
      return wire === WIRE.bytes || wire === WIRE.fixed32;
    case 'packedDoubles':
      return wire === WIRE.bytes || wire === WIRE.fixed64;
    default:
      return wire === WIRE.bytes;
  }
}

function arrayKind(field: Field): ArrayKind | undefined {
  switch (field.kind) {
    case 'floats':
    case 'packedFloats':
    case 'packedDoubles':
    case 'packedInt32s':
    case 'packedInt64s':
    case 'packedUint64s':
      return field.kind;
    default:
      return undefined;
  }
}
