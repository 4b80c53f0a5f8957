import fc from 'fast-check';
import type { Field } from './field.js';
import { type Messages, SCHEMAS } from './schema.js';

const int64 = fc.oneof(
  fc.maxSafeInteger(),
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((value) => (isSafe(value) ? Number(value) : value)),
);
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const float = fc.float({ noNaN: true }).map((value) => Math.fround(value));
const text = fc.string({ unit: 'binary', maxLength: 200 });
const bytes = fc.uint8Array({ maxLength: 40 });
/** Fields that no message has: a varint in 1000, bytes in 2000. */
const unknownRun = fc.oneof(
  fc.nat(127).map((value) => Uint8Array.of(0xc0, 0x3e, value)),
  fc.uint8Array({ maxLength: 20 }).map((value) => Uint8Array.of(0x82, 0x7d, value.length, ...value)),
);

/** Messages of a type with any of its fields, nested up to `depth`, for property tests. */
export function arbitraryMessage<M extends keyof Messages>(
  type: M,
  depth: number,
): fc.Arbitrary<Messages[M]> {
  const schema = SCHEMAS[type];
  const fields = schema.fields.filter((field) => depth > 0 || field.message === undefined);
  const values = Object.fromEntries([
    ...fields.map((field) => [field.name, arbitraryValue(field, depth)]),
    ['unknown', fc.array(unknownRun, { minLength: 1, maxLength: 3 })],
  ]) as Record<string, fc.Arbitrary<unknown>>;
  return fc.record(values, { requiredKeys: [] }).map((message) => {
    const rivals = schema.fields.filter(({ rivals: others, name }) => others.length > 0 && name in message);
    for (const { name } of rivals.slice(1)) delete message[name];
    return message as Messages[M];
  });
}

function arbitraryValue(field: Field, depth: number): fc.Arbitrary<unknown> {
  const some = { minLength: 1, maxLength: 3 };
  switch (field.kind) {
    case 'int32':
      return int32;
    case 'int64':
      return int64;
    case 'float':
      return float;
    case 'string':
      return text;
    case 'bytes':
      return bytes;
    case 'int64s':
      return fc.array(int64, some);
    case 'strings':
      return fc.array(text, some);
    case 'bytesList':
      return fc.array(bytes, some);
    case 'floats':
    case 'packedFloats':
      return fc.array(float, some).map((list) => Float32Array.from(list));
    case 'packedDoubles':
      return fc.array(fc.double(), some).map((list) => Float64Array.from(list));
    case 'packedInt32s':
      return fc.array(int32, some).map((list) => Int32Array.from(list));
    case 'packedInt64s':
      return fc.bigInt64Array(some);
    case 'packedUint64s':
      return fc.bigUint64Array(some);
    default: {
      const message = fc.constant(field.message!.name as keyof Messages);
      const nested = message.chain((name) => arbitraryMessage(name, depth - 1));
      return field.kind === 'message' ? nested : fc.array(nested, { minLength: 1, maxLength: 2 });
    }
  }
}

function isSafe(value: bigint): boolean {
  return value === BigInt(Number(value)) && Number.isSafeInteger(Number(value));
}
