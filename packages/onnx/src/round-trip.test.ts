import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BitwrightError } from '@bitwright/core';
import fc from 'fast-check';
import { Reader } from 'protobufjs/minimal.js';
import { describe, expect, it } from 'vitest';
import { arbitraryMessage } from './arbitrary-message.fixture.js';
import type { LooseMessage } from './field.js';
import { canonicalBytes, decodeModel, encodeModel, type ModelProto } from './index.js';
import { MessageReader } from './message-reader.js';
import { MessageWriter } from './message-writer.js';
import { sampleModel } from './sample-model.fixture.js';
import { type Messages, SCHEMAS } from './schema.js';

const assets =
  process.env['BITWRIGHT_ASSETS'] ?? fileURLToPath(new URL('../../../../shared/assets', import.meta.url));
const folder = `${assets}/models`;
const models = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.onnx')) : [];

const anyModel = arbitraryMessage('ModelProto', 2).map(
  (model): ModelProto => ({ ...model, graph: model.graph ?? {} }),
);

describe.skipIf(models.length === 0)('real models', () => {
  it.each(models)('%s is written as it was read, byte by byte', (name) => {
    const file = readFileSync(`${folder}/${name}`);
    const model = decodeModel(file, name);
    expect(file.equals(encodeModel(model))).toBe(true);
    expectSame(canonicalBytes(decodeModel(encodeModel(model))), canonicalBytes(model));
  });
});

describe('any message', () => {
  it.each(Object.keys(SCHEMAS) as (keyof Messages)[])('%s comes back as it was', (type) => {
    const schema = SCHEMAS[type];
    fc.assert(
      fc.property(arbitraryMessage(type, 1), (message) => {
        const bytes = new MessageWriter().write(schema, message as LooseMessage);
        expect(new MessageReader(bytes, type).read(schema)).toEqual(message);
      }),
      { numRuns: 20 },
    );
  });

  it('has the same canonical bytes in whatever order its fields come', () => {
    fc.assert(
      fc.property(anyModel, fc.infiniteStream(fc.nat()), (model, keys) => {
        const file = encodeModel(model);
        const shuffled = shuffleFields(file, () => keys.next().value ?? 0);
        expectSame(canonicalBytes(decodeModel(shuffled)), canonicalBytes(decodeModel(file)));
      }),
      { numRuns: 30 },
    );
  });
});

describe('damaged files', () => {
  const file = encodeModel(sampleModel());

  it('of random bytes give coded errors only', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), decodesOrSaysWhy), { numRuns: 500 });
  });

  it('that are truncated or changed give coded errors, or messages that can be written again', () => {
    const change = fc.tuple(fc.nat(file.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), fc.nat(file.length), (changes, length) => {
        const damaged = Uint8Array.from(file);
        for (const [at, value] of changes) damaged[at] = value;
        decodesOrSaysWhy(damaged);
        decodesOrSaysWhy(damaged.subarray(0, length));
      }),
      { numRuns: 500 },
    );
  });
});

function decodesOrSaysWhy(bytes: Uint8Array): void {
  let model: ModelProto;
  try {
    model = decodeModel(bytes);
  } catch (thrown) {
    if (thrown instanceof BitwrightError) return;
    throw thrown;
  }
  expectSame(canonicalBytes(decodeModel(encodeModel(model))), canonicalBytes(model));
}

/** Much faster than toEqual on long arrays. */
function expectSame(a: Uint8Array, b: Uint8Array): void {
  expect(Buffer.compare(a, b)).toBe(0);
}

/** The message with its outermost fields in another order; fields of one number stay in theirs, which has a meaning. */
function shuffleFields(file: Uint8Array, random: () => number): Uint8Array {
  const reader = new Reader(file);
  const order = new Map<number, number>();
  const runs: { readonly key: number; readonly bytes: Uint8Array }[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.tag();
    reader.skipType(tag & 7, 0, tag >>> 3);
    const key = order.get(tag >>> 3) ?? random();
    order.set(tag >>> 3, key);
    runs.push({ key, bytes: file.subarray(start, reader.pos) });
  }
  return Buffer.concat(runs.toSorted((a, b) => a.key - b.key).map((run) => run.bytes));
}
