import { BitwrightError } from '@bitwright/core';
import { Writer } from 'protobufjs/minimal.js';
import { type Field, type LooseMessage, MAX_BYTES, MAX_DEPTH, type Schema, WIRE } from './field.js';
import { tooDeep } from './message-reader.js';
import type { Int64 } from './messages.js';
import type { NumberArray } from './number-list.js';
import { encodeText, hasLoneSurrogate } from './text.js';
import { highWord, lowWord, readVarint64, varintLow, varintSize, writeVarint64 } from './varint.js';

/** Room behind the message: protobufjs reserves for the worst case before it writes a short string or a varint. */
const SLACK = 512;

/**
 * Encodes one message by its {@link Schema}: fields in ascending order of number, then the unknown ones.
 *
 * Two passes: the first adds up sizes, the second writes into a buffer of just that size, so nothing is moved or grown.
 */
export class MessageWriter {
  /** Sizes of nested messages and packed runs, in the order in which the second pass comes by them. */
  readonly #sizes: number[] = [];
  readonly #canonical: boolean;
  #next = 0;
  #writer!: Writer;

  /** @param canonical sorts unknown fields by number too, so that the bytes do not depend on the order of the file. */
  constructor(canonical = false) {
    this.#canonical = canonical;
  }

  /** @throws ONNX_TOO_LARGE, ONNX_TOO_DEEP, ONNX_INTEGER. */
  write(schema: Schema, message: LooseMessage): Uint8Array {
    const size = this.#measure(schema, message, 0);
    if (size > MAX_BYTES) throw tooLarge(`The ${schema.name}`, size);
    this.#writer = new Writer();
    this.#writer.buf = new Uint8Array(size + SLACK);
    this.#writeFields(schema, message);
    return this.#writer.buf.subarray(0, this.#writer.pos);
  }

  #measure(schema: Schema, message: LooseMessage, depth: number): number {
    if (depth > MAX_DEPTH) throw tooDeep(`The ${schema.name}`);
    let size = 0;
    for (const field of schema.fields) {
      const value = message[field.name];
      if (value !== undefined) size += this.#measureField(field, value, depth);
    }
    for (const run of message.unknown ?? []) size += run.length;
    return size;
  }

  #measureField(field: Field, value: unknown, depth: number): number {
    const tag = field.number < 16 ? 1 : 2;
    switch (field.kind) {
      case 'int32':
        return tag + int64Size(checkedInteger(value as number, 32, field));
      case 'int64':
        return tag + int64Size(checkedInteger(value as Int64, 64, field));
      case 'float':
        return tag + 4;
      case 'string':
        return tag + delimited(textSize(value as string));
      case 'bytes':
        return tag + delimited((value as Uint8Array).length);
      case 'message':
        return tag + this.#measureNested(field, value as LooseMessage, depth);
      case 'floats':
        return (tag + 4) * (value as Float32Array).length;
      default:
        return this.#measureList(field, value as ArrayLike<unknown>, tag, depth);
    }
  }

  #measureList(field: Field, list: ArrayLike<unknown>, tag: number, depth: number): number {
    let size = 0;
    switch (field.kind) {
      case 'messages':
        for (let i = 0; i < list.length; i++) {
          size += tag + this.#measureNested(field, list[i] as LooseMessage, depth);
        }
        return size;
      case 'strings':
        for (let i = 0; i < list.length; i++) size += tag + delimited(textSize(list[i] as string));
        return size;
      case 'bytesList':
        for (let i = 0; i < list.length; i++) size += tag + delimited((list[i] as Uint8Array).length);
        return size;
      case 'int64s':
        for (let i = 0; i < list.length; i++) {
          size += tag + int64Size(checkedInteger(list[i] as Int64, 64, field));
        }
        return size;
      default: {
        if (list.length === 0) return 0;
        const packed = packedSize(list as NumberArray);
        this.#sizes.push(packed);
        return tag + delimited(packed);
      }
    }
  }

  #measureNested(field: Field, message: LooseMessage, depth: number): number {
    const slot = this.#sizes.push(0) - 1;
    const size = this.#measure(field.message!, message, depth + 1);
    this.#sizes[slot] = size;
    return delimited(size);
  }

  #writeFields(schema: Schema, message: LooseMessage): void {
    for (const field of schema.fields) {
      const value = message[field.name];
      if (value !== undefined) this.#writeField(field, value);
    }
    const unknown = message.unknown ?? [];
    for (const run of this.#canonical ? unknown.toSorted(byFieldNumber) : unknown) this.#writer.raw(run);
  }

  #writeField(field: Field, value: unknown): void {
    const writer = this.#writer;
    switch (field.kind) {
      case 'int32':
      case 'int64':
        this.#tag(field, WIRE.varint);
        writeVarint64(writer, lowWord(value as Int64), highWord(value as Int64));
        return;
      case 'float':
        this.#tag(field, WIRE.fixed32).float(value as number);
        return;
      case 'string':
        this.#writeText(field, value as string);
        return;
      case 'bytes':
        this.#tag(field, WIRE.bytes).bytes(value as Uint8Array);
        return;
      case 'message':
        this.#writeNested(field, value as LooseMessage);
        return;
      case 'floats': {
        const floats = value as Float32Array;
        const words = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
        for (let i = 0; i < words.length; i++) this.#tag(field, WIRE.fixed32).fixed32(words[i]!);
        return;
      }
      default:
        this.#writeList(field, value as ArrayLike<unknown>);
    }
  }

  #writeList(field: Field, list: ArrayLike<unknown>): void {
    switch (field.kind) {
      case 'messages':
        for (let i = 0; i < list.length; i++) this.#writeNested(field, list[i] as LooseMessage);
        return;
      case 'strings':
        for (let i = 0; i < list.length; i++) this.#writeText(field, list[i] as string);
        return;
      case 'bytesList':
        for (let i = 0; i < list.length; i++) this.#tag(field, WIRE.bytes).bytes(list[i] as Uint8Array);
        return;
      case 'int64s':
        for (let i = 0; i < list.length; i++) {
          const value = list[i] as Int64;
          writeVarint64(this.#tag(field, WIRE.varint), lowWord(value), highWord(value));
        }
        return;
      default:
        if (list.length === 0) return;
        this.#tag(field, WIRE.bytes).uint32(this.#sizes[this.#next++]!);
        writePacked(this.#writer, list as NumberArray);
    }
  }

  #writeNested(field: Field, message: LooseMessage): void {
    this.#tag(field, WIRE.bytes).uint32(this.#sizes[this.#next++]!);
    this.#writeFields(field.message!, message);
  }

  #writeText(field: Field, text: string): void {
    this.#tag(field, WIRE.bytes);
    if (hasLoneSurrogate(text)) this.#writer.bytes(encodeText(text));
    else this.#writer.string(text);
  }

  #tag(field: Field, wire: number): Writer {
    return this.#writer.uint32((field.number << 3) | wire);
  }
}

/** The error for a message beyond protobuf's limit. */
export function tooLarge(what: string, size: number): BitwrightError {
  return new BitwrightError({
    code: 'ONNX_TOO_LARGE',
    message: `${what} has ${size} bytes, and protobuf, hence ONNX, takes at most ${MAX_BYTES} in one file.`,
    hint: 'Keep large weights as external data: a second file beside the model.',
  });
}

function delimited(size: number): number {
  return varintSize(size, 0) + size;
}

function int64Size(value: Int64): number {
  return varintSize(lowWord(value), highWord(value));
}

function textSize(text: string): number {
  let size = text.length;
  for (let i = 0; i < text.length; i++) {
    // Anything else is rare enough to be encoded twice.
    if (text.charCodeAt(i) > 0x7f) {
      size = encodeText(text).length;
      break;
    }
  }
  return size;
}

function checkedInteger(value: Int64, bits: number, field: Field): Int64 {
  const fits =
    typeof value === 'bigint'
      ? BigInt.asIntN(bits, value) === value
      : Number.isSafeInteger(value) && (bits === 64 || (value | 0) === value);
  if (fits) return value;
  throw new BitwrightError({
    code: 'ONNX_INTEGER',
    message: `The field '${field.name}' holds an integer of ${bits} bits and was given ${value}.`,
    hint: 'Give an integer in range; beyond 2^53 as a bigint.',
  });
}

function packedSize(numbers: NumberArray): number {
  if (numbers instanceof Float32Array || numbers instanceof Float64Array) return numbers.byteLength;
  const words = wordsOf(numbers);
  let size = 0;
  if (numbers instanceof Int32Array) {
    for (let i = 0; i < words.length; i++) size += varintSize(words[i]!, words[i]! >> 31);
  } else {
    for (let i = 0; i < words.length; i += 2) size += varintSize(words[i]!, words[i + 1]!);
  }
  return size;
}

function writePacked(writer: Writer, numbers: NumberArray): void {
  if (numbers instanceof Float32Array || numbers instanceof Float64Array) {
    writer.raw(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
    return;
  }
  const words = wordsOf(numbers);
  if (numbers instanceof Int32Array) {
    for (let i = 0; i < words.length; i++) writeVarint64(writer, words[i]!, words[i]! >> 31);
  } else {
    for (let i = 0; i < words.length; i += 2) writeVarint64(writer, words[i]!, words[i + 1]!);
  }
}

function wordsOf(numbers: NumberArray): Int32Array {
  return new Int32Array(numbers.buffer, numbers.byteOffset, numbers.byteLength / 4);
}

function byFieldNumber(a: Uint8Array, b: Uint8Array): number {
  return tagOf(a) - tagOf(b);
}

/** The tag without its wire type: runs of one number must keep their order, as it may matter to whoever knows the field. */
function tagOf(run: Uint8Array): number {
  readVarint64(run, 0, run.length);
  return varintLow >>> 3;
}
