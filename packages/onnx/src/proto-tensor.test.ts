import { BufferSource, codeOfDtype, DenseTensor, DTYPES, type DType, type TensorData } from '@bitwright/core';
import { describe, expect, it } from 'vitest';
import { decodeTensor, encodeTensor, ProtoTensor, type TensorProto, tensorToProto } from './index.js';

const proto = (dtype: DType, dims: number[], fields: TensorProto): TensorProto => ({
  name: 't',
  dataType: codeOfDtype(dtype),
  dims,
  ...fields,
});

const data = (tensor: TensorProto) => new ProtoTensor(tensor).data();

describe('typed fields', () => {
  it.each<[DType, number[], TensorProto, TensorData]>([
    ['float', [2], { floatData: Float32Array.of(1, 2) }, Float32Array.of(1, 2)],
    ['complex64', [1], { floatData: Float32Array.of(1, 2) }, Float32Array.of(1, 2)],
    ['double', [], { doubleData: Float64Array.of(3) }, Float64Array.of(3)],
    ['complex128', [1], { doubleData: Float64Array.of(3, 4) }, Float64Array.of(3, 4)],
    ['int64', [1], { int64Data: BigInt64Array.of(-3n) }, BigInt64Array.of(-3n)],
    ['uint64', [1], { uint64Data: BigUint64Array.of(3n) }, BigUint64Array.of(3n)],
    ['uint32', [1], { uint64Data: BigUint64Array.of(2n ** 32n - 1n) }, Uint32Array.of(2 ** 32 - 1)],
    ['int32', [1], { int32Data: Int32Array.of(-5) }, Int32Array.of(-5)],
    ['int16', [1], { int32Data: Int32Array.of(-5) }, Int16Array.of(-5)],
    ['int8', [1], { int32Data: Int32Array.of(-5) }, Int8Array.of(-5)],
    ['uint16', [1], { int32Data: Int32Array.of(65535) }, Uint16Array.of(65535)],
    ['uint8', [1], { int32Data: Int32Array.of(200) }, Uint8Array.of(200)],
    ['bool', [2], { int32Data: Int32Array.of(1, 0) }, Uint8Array.of(1, 0)],
    ['float16', [1], { int32Data: Int32Array.of(0x3c00) }, Uint16Array.of(0x3c00)],
    ['bfloat16', [1], { int32Data: Int32Array.of(0xbf80) }, Uint16Array.of(0xbf80)],
    ['float8e4m3fn', [1], { int32Data: Int32Array.of(0x7e) }, Uint8Array.of(0x7e)],
    ['int4', [3], { int32Data: Int32Array.of(0x8f, 0x07) }, Int8Array.of(-1, -8, 7)],
    ['uint4', [3], { int32Data: Int32Array.of(0x8f, 0x07) }, Uint8Array.of(15, 8, 7)],
    ['float4e2m1', [1], { int32Data: Int32Array.of(0x0b) }, Uint8Array.of(11)],
    ['int2', [5], { int32Data: Int32Array.of(0b10_01_11_00, 1) }, Int8Array.of(0, -1, 1, -2, 1)],
    ['uint2', [2], { int32Data: Int32Array.of(0b1110) }, Uint8Array.of(2, 3)],
    ['string', [1], { stringData: [Uint8Array.of(97)] }, [Uint8Array.of(97)]],
    ['float', [0, 3], {}, new Float32Array(0)],
  ])('%s %j', (dtype, dims, fields, expected) => {
    const tensor = new ProtoTensor(proto(dtype, dims, fields));
    expect(tensor.dtype).toBe(dtype);
    expect(tensor.data()).toEqual(expected);
    if (dtype !== 'string') expect(tensor.rawBytes().length).toBe(tensor.byteLength);
  });
});

describe('raw data', () => {
  const numeric = (Object.keys(DTYPES) as DType[]).filter((dtype) => dtype !== 'string');

  it.each(numeric)('of %s comes back through tensorToProto', (dtype) => {
    const raw = Uint8Array.from({ length: 64 }, (_, i) => (i * 37) & 255);
    const original = new ProtoTensor(proto(dtype, [512 / DTYPES[dtype].bits], { rawData: raw }));
    // Complex tensors have two elements for one, which DenseTensor does not know.
    const copy = { dtype, dims: original.dims, data: () => original.data() };
    expect(tensorToProto('copy', copy)).toEqual({ ...original.proto, name: 'copy' });
    expect(original.rawBytes()).toBe(raw);
  });

  it('is a view when it is aligned and a copy when it is not', () => {
    const file = new Uint8Array(16);
    file[8] = 1;
    const aligned = data(proto('int32', [2], { rawData: file.subarray(8) })) as Int32Array;
    expect(aligned.buffer).toBe(file.buffer);
    expect(aligned).toEqual(Int32Array.of(1, 0));
    for (const bytes of [file.subarray(7, 15), Buffer.from(file.buffer, 7, 8)]) {
      expect(data(proto('int32', [2], { rawData: bytes }))).toEqual(Int32Array.of(256, 0));
    }
  });

  it('that is empty does not hide the typed field', () => {
    const both = { rawData: new Uint8Array(0), floatData: Float32Array.of(2) };
    expect(data(proto('float', [1], both))).toEqual(Float32Array.of(2));
  });
});

describe('external data', () => {
  const file = new BufferSource(
    'w.bin',
    Uint8Array.from({ length: 10 }, (_, i) => i),
  );
  const external = (dims: number[], entries: Record<string, string>) =>
    proto('uint8', dims, {
      dataLocation: 1,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    });

  it('is read by its range, when it is used', () => {
    const asked: string[] = [];
    const resolve = (name: string) => {
      asked.push(name);
      return file;
    };
    const tensor = new ProtoTensor(external([3], { location: 'w.bin', offset: '4', length: '3' }), resolve);
    expect(asked).toEqual([]);
    expect(tensor.data()).toEqual(Uint8Array.of(4, 5, 6));
    expect(asked).toEqual(['w.bin']);
    const whole = new ProtoTensor(external([10], { location: 'w.bin' }), resolve);
    expect(whole.data()).toEqual(file.bytes);
  });

  it.each([
    ['beyond the end', [3], { location: 'w', offset: '8', length: '3' }, 'EXTERNAL_DATA_RANGE'],
    ['beyond the end by its shape', [11], { location: 'w' }, 'EXTERNAL_DATA_RANGE'],
    ['a negative offset', [3], { location: 'w', offset: '-1' }, 'EXTERNAL_DATA_RANGE'],
    ['no location', [3], {}, 'EXTERNAL_DATA_LOCATION'],
    ['another length than the shape', [3], { location: 'w', length: '2' }, 'TENSOR_DATA_LENGTH'],
  ])('with %s is an error', (_, dims, entries, code) => {
    const tensor = new ProtoTensor(external(dims, entries), () => file);
    expect(() => tensor.data()).toThrow(
      expect.objectContaining({ code, at: expect.objectContaining({ value: 't' }) }),
    );
  });

  it('without a resolver is an error', () => {
    const code = 'EXTERNAL_DATA_UNRESOLVED';
    expect(() => data(external([3], { location: 'w.bin' }))).toThrow(expect.objectContaining({ code }));
  });
});

describe('errors', () => {
  it.each<[string, TensorProto, string]>([
    ['too few raw bytes', proto('float', [2], { rawData: new Uint8Array(7) }), 'TENSOR_DATA_LENGTH'],
    ['too many raw bytes', proto('int4', [2], { rawData: new Uint8Array(2) }), 'TENSOR_DATA_LENGTH'],
    ['too few elements', proto('int8', [2], { int32Data: Int32Array.of(1) }), 'TENSOR_DATA_LENGTH'],
    [
      'elements in the wrong field',
      proto('float', [1], { int32Data: Int32Array.of(1) }),
      'TENSOR_DATA_LENGTH',
    ],
    ['nothing at all for a huge shape', proto('float', [2 ** 40], {}), 'TENSOR_DATA_LENGTH'],
    ['too few strings', proto('string', [2], { stringData: [] }), 'TENSOR_DATA_LENGTH'],
    ['a negative dimension', proto('float', [-1], {}), 'TENSOR_DIMS'],
    ['an impossible shape', proto('float', [2 ** 40, 2 ** 40], {}), 'TENSOR_DIMS'],
    ['a type of the future', { name: 't', dataType: 77 }, 'TENSOR_DTYPE_UNKNOWN'],
    ['no type', { name: 't' }, 'TENSOR_DTYPE_UNKNOWN'],
  ])('%s', (_, tensor, code) => {
    expect(() => data(tensor)).toThrow(expect.objectContaining({ code, at: { value: 't' } }));
  });
});

describe('tensorToProto', () => {
  it('gives a tensor of a file back as it was, but for the name', () => {
    const original = proto('float', [1], { floatData: Float32Array.of(1), docString: 'kept' });
    expect(tensorToProto('new', new ProtoTensor(original))).toEqual({ ...original, name: 'new' });
  });

  it('writes views of the elements', () => {
    const floats = Float32Array.of(1, 2, 3).subarray(1);
    const { rawData } = tensorToProto('x', new DenseTensor('float', [2], floats));
    expect(rawData?.buffer).toBe(floats.buffer);
    expect(rawData?.byteOffset).toBe(4);
  });

  it('writes strings', () => {
    const text = new DenseTensor('string', [1], [Uint8Array.of(104, 105)]);
    expect(tensorToProto('s', text)).toEqual(
      proto('string', [1], { name: 's', stringData: [Uint8Array.of(104, 105)] }),
    );
  });

  it.each<[string, DType, number[], TensorData, string]>([
    ['another array than the type', 'float', [1], Int32Array.of(1), 'TENSOR_DTYPE'],
    ['strings for numbers', 'float', [1], [Uint8Array.of(1)], 'TENSOR_DTYPE'],
    ['numbers for strings', 'string', [1], Uint8Array.of(1), 'TENSOR_DTYPE'],
    ['another length than the shape', 'float', [2], Float32Array.of(1), 'TENSOR_DATA_LENGTH'],
    ['codes beyond the width', 'int4', [1], Int8Array.of(8), 'TENSOR_VALUE_RANGE'],
  ])('refuses %s', (_, dtype, dims, elements, code) => {
    const tensor = { dtype, dims, data: () => elements };
    expect(() => tensorToProto('x', tensor)).toThrow(expect.objectContaining({ code }));
  });
});

describe('tensor files', () => {
  it('come back as they were', () => {
    const tensor = proto('int64', [2], { int64Data: BigInt64Array.of(1n, -(2n ** 63n)) });
    expect(decodeTensor(encodeTensor(tensor))).toEqual(tensor);
  });

  it.each([
    ['nothing', [], 'ONNX_EMPTY'],
    ['no element type', [8, 1], 'ONNX_NOT_A_TENSOR'],
    ['a sequence of named tensors', [16, 1, 26, 3, 66, 1, 97], 'ONNX_NOT_A_TENSOR'],
    ['half a tensor', [16, 1, 74, 9, 1], 'ONNX_TRUNCATED'],
  ])('of %s are refused', (_, bytes, code) => {
    expect(() => decodeTensor(Uint8Array.from(bytes), 'a.pb')).toThrow(
      expect.objectContaining({ code, at: { file: 'a.pb' } }),
    );
  });
});
