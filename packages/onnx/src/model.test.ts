import { BitwrightError } from '@bitwright/core';
import { Writer } from 'protobufjs/minimal.js';
import { describe, expect, it } from 'vitest';
import { canonicalBytes, decodeModel, encodeModel, type GraphProto, type ModelProto } from './index.js';
import { sampleModel } from './sample-model.fixture.js';

const GRAPH_TAG = 7 * 8 + 2;

/** A model whose graph has these bytes. */
function modelOf(graph: Uint8Array): Uint8Array {
  return new Writer().uint32(GRAPH_TAG).bytes(graph).finish();
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof BitwrightError) return thrown.code;
    throw thrown;
  }
  return 'no error';
}

describe('decodeModel', () => {
  it('gives back what encodeModel wrote', () => {
    expect(decodeModel(encodeModel(sampleModel()))).toEqual(sampleModel());
  });

  it('gives bytes as plain views into the file, even of a Buffer', () => {
    const file = Buffer.from(encodeModel(sampleModel()));
    const raw = decodeModel(file).graph?.initializer?.[0]?.rawData;
    expect(raw?.buffer).toBe(file.buffer);
    expect(raw?.constructor).toBe(Uint8Array);
  });

  it('keeps what is present apart from what is absent', () => {
    const graph: GraphProto = {
      name: '',
      node: [{ opType: '', attribute: [{ i: 0, f: 0, s: new Uint8Array(0) }] }],
    };
    const model = decodeModel(encodeModel({ irVersion: 0, graph }));
    expect(model).toEqual({ irVersion: 0, graph });
    expect(Object.keys(model.graph?.node?.[0] ?? {})).toEqual(['opType', 'attribute']);
  });

  it('keeps enum numbers that nobody knows', () => {
    const graph: GraphProto = { initializer: [{ dataType: 99, dataLocation: -7 }] };
    expect(decodeModel(encodeModel({ graph })).graph).toEqual(graph);
  });

  it('keeps unknown fields of inner messages, and known ones of another wire type, in their order', () => {
    const node = new Writer()
      .uint32(900 * 8)
      .uint32(5)
      .uint32(3 * 8)
      .uint32(1)
      .uint32(900 * 8)
      .uint32(4)
      .finish();
    const file = modelOf(new Writer().uint32(10).bytes(node).finish());
    const model = decodeModel(file);
    expect(model.graph?.node?.[0]?.unknown?.map((run) => run.at(-1))).toEqual([5, 1, 4]);
    expect(encodeModel(model)).toEqual(file);
    expect(canonicalBytes(model)).not.toEqual(file);
  });

  it('keeps groups as unknown fields', () => {
    const group = new Writer()
      .uint32(900 * 8 + 3)
      .uint32(8)
      .uint32(1)
      .uint32(900 * 8 + 4)
      .finish();
    expect(decodeModel(modelOf(group)).graph?.unknown).toEqual([Uint8Array.from(group)]);
  });

  it('reads repeated numbers packed, single and mixed', () => {
    const tensor = new Writer()
      .uint32(1 * 8 + 2)
      .int64s([2, 1])
      .uint32(1 * 8)
      .int64(3)
      .uint32(4 * 8 + 5)
      .float(0.5)
      .uint32(5 * 8)
      .int32(-9)
      .uint32(4 * 8 + 2)
      .floats([1.5, 2.5])
      .uint32(7 * 8)
      .int64(-2)
      .uint32(10 * 8 + 1)
      .double(0.1)
      .finish();
    const model = decodeModel(
      modelOf(
        new Writer()
          .uint32(5 * 8 + 2)
          .bytes(tensor)
          .finish(),
      ),
    );
    expect(model.graph?.initializer?.[0]).toEqual({
      dims: [2, 1, 3],
      floatData: new Float32Array([0.5, 1.5, 2.5]),
      int32Data: new Int32Array([-9]),
      int64Data: new BigInt64Array([-2n]),
      doubleData: new Float64Array([0.1]),
    });
  });

  it('merges a message that comes twice, and lets the last of a oneof win', () => {
    const first = encodeModel({
      graph: { name: 'a', node: [{ opType: 'A' }], initializer: [{ dims: [1] }] },
    });
    const second = encodeModel({ graph: { name: 'b', node: [{ opType: 'B' }] } });
    const model = decodeModel(Buffer.concat([first, second]));
    expect(model.graph).toEqual({
      name: 'b',
      node: [{ opType: 'A' }, { opType: 'B' }],
      initializer: [{ dims: [1] }],
    });

    const dimension = new Writer().uint32(8).uint32(4).uint32(18).string('N').finish();
    const shape = new Writer().uint32(10).bytes(dimension).finish();
    const tensor = new Writer().uint32(18).bytes(shape).finish();
    const type = new Writer().uint32(10).bytes(tensor).finish();
    const value = new Writer().uint32(18).bytes(type).finish();
    const decoded = decodeModel(
      modelOf(
        new Writer()
          .uint32(11 * 8 + 2)
          .bytes(value)
          .finish(),
      ),
    );
    expect(decoded.graph?.input?.[0]?.type?.tensorType?.shape?.dim).toEqual([{ dimParam: 'N' }]);
  });

  it('keeps names that are not UTF-8', () => {
    const graph = new Writer()
      .uint32(18)
      .bytes(Uint8Array.of(0x61, 0xff, 0xc3, 0xa9, 0xed, 0xa0, 0x80))
      .finish();
    const file = modelOf(graph);
    const model = decodeModel(file);
    expect(model.graph?.name).toBe('a\udcffé\udced\udca0\udc80');
    expect(encodeModel(model)).toEqual(Uint8Array.from(file));
  });
});

describe('what is no model', () => {
  const file = encodeModel(sampleModel());

  it.each([
    ['nothing', new Uint8Array(0), 'ONNX_EMPTY'],
    ['a web page', Buffer.from('<!DOCTYPE html><html></html>'), 'ONNX_NOT_PROTOBUF'],
    ['random bytes', Uint8Array.of(0xff, 0xfe, 0xfd, 0x00, 0x31, 0x9a), 'ONNX_NOT_PROTOBUF'],
    ['a damaged graph', modelOf(Uint8Array.of(0x0a, 0x7f, 1)), 'ONNX_NOT_PROTOBUF'],
    ['a varint that is cut off inside', modelOf(Uint8Array.of(0x0a, 2, 0x08, 0xff)), 'ONNX_NOT_PROTOBUF'],
    ['no graph', Uint8Array.of(8, 10), 'ONNX_NOT_A_MODEL'],
    ['a tensor', encodeModel(sampleModel()).subarray(0, 2), 'ONNX_NOT_A_MODEL'],
    ['half a file', file.subarray(0, file.length >> 1), 'ONNX_TRUNCATED'],
  ])('%s', (_, bytes, code) => {
    expect(codeOf(() => decodeModel(bytes, 'some.onnx'))).toBe(code);
  });

  it('says how much of a file is missing, and names it', () => {
    const place = { at: { file: 'some.onnx' } };
    expect(() => decodeModel(file.subarray(0, 60), 'some.onnx')).toThrow(
      /some\.onnx ends too early: at least \d+ bytes/,
    );
    expect(() => decodeModel(file.subarray(0, 60), 'some.onnx')).toThrow(expect.objectContaining(place));
  });

  it('is found at every length inside of the graph', () => {
    const graphStart = encodeModel({ irVersion: 10, producerName: 'bitwright-test' }).length;
    const graphEnd = graphStart + encodeModel({ graph: sampleModel().graph ?? {} }).length;
    for (let length = graphStart + 1; length < graphEnd; length++) {
      expect(codeOf(() => decodeModel(file.subarray(0, length)))).toBe('ONNX_TRUNCATED');
    }
  });

  it('is one that nests too deep, in either direction', () => {
    let bytes: Uint8Array = new Uint8Array(0);
    for (let i = 0; i < 40; i++) {
      const attribute = new Writer()
        .uint32(6 * 8 + 2)
        .bytes(bytes)
        .finish();
      const node = new Writer()
        .uint32(5 * 8 + 2)
        .bytes(attribute)
        .finish();
      bytes = new Writer().uint32(10).bytes(node).finish();
    }
    expect(codeOf(() => decodeModel(modelOf(bytes)))).toBe('ONNX_TOO_DEEP');
    const cyclic: { node: object[] } = { node: [] };
    cyclic.node.push({ attribute: [{ g: cyclic }] });
    expect(codeOf(() => encodeModel({ graph: cyclic }))).toBe('ONNX_TOO_DEEP');
  });

  it('is one with groups nested beyond reason', () => {
    expect(codeOf(() => decodeModel(modelOf(new Uint8Array(5000).fill(0x3b))))).toBe('ONNX_NOT_PROTOBUF');
  });
});

describe('encodeModel', () => {
  it('refuses what no protobuf reader takes, before it takes the memory', () => {
    const rawData = new Uint8Array(2 ** 27);
    const initializer = Array.from({ length: 16 }, () => ({ dims: [2 ** 27], dataType: 2, rawData }));
    expect(codeOf(() => encodeModel({ graph: { initializer } }))).toBe('ONNX_TOO_LARGE');
  });

  it.each([
    ['a fraction', { irVersion: 8.5 }],
    ['a number beyond 2^53', { modelVersion: 2 ** 60 }],
    ['a bigint beyond 64 bits', { modelVersion: 2n ** 63n }],
    ['33 bits for an enum', { graph: { initializer: [{ dataType: 2 ** 32 }] } }],
  ] satisfies [string, ModelProto][])('refuses %s', (_, model) => {
    expect(codeOf(() => encodeModel(model))).toBe('ONNX_INTEGER');
  });

  it('writes strings that fill their length prefix', () => {
    for (const length of [126, 127, 128, 129, 16383, 16384]) {
      for (const letter of ['a', 'ß']) {
        const graph: GraphProto = { name: letter.repeat(length) };
        expect(decodeModel(encodeModel({ graph })).graph).toEqual(graph);
      }
    }
  });
});
