import { BitwrightError, type ByteSource, DenseTensor, type DType, dtypeOfCode } from '@bitwright/core';
import { type Elements, elementKind } from './elements.js';
import { type WireField, wireFields } from './wire-fields.js';

/** A tensor with the name that its file gives it. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: DenseTensor;
}

/**
 * Reads a serialized ONNX TensorProto (onnx.proto, message TensorProto) as ONNX test data has them.
 *
 * Only what such files hold: numeric and string elements inside of the file. (The whole format of models is another package's.)
 *
 * @throws DATA_FILE_FORMAT for anything else, naming the file.
 */
export function readTensorProto(source: ByteSource): NamedTensor {
  const proto = { dims: [] as number[], code: 0, name: '', raw: undefined as Uint8Array | undefined };
  const values: (number | bigint)[] = [];
  const strings: Uint8Array[] = [];
  try {
    for (const field of wireFields(source.read(0, source.size))) {
      if (field.number === 1) proto.dims.push(...field.integers().map(Number));
      else if (field.number === 2) proto.code = Number(field.integers()[0]);
      else if (field.number === 8) proto.name = new TextDecoder().decode(field.bytes());
      else if (field.number === 9) proto.raw = field.bytes();
      else if (field.number === 6) strings.push(field.bytes());
      else if (field.number === 13 || field.number === 14) throw new Error('its elements lie outside of it');
      else appendValues(field, values);
    }
    const dtype = dtypeOfCode(proto.code);
    if (dtype === undefined) throw new Error(`it has the element type ${proto.code}`);
    const data = dtype === 'string' ? strings : tensorElements(dtype, proto.raw, values);
    return { name: proto.name, tensor: new DenseTensor(dtype, proto.dims, data) };
  } catch (thrown) {
    throw new BitwrightError({
      code: 'DATA_FILE_FORMAT',
      message: `'${source.name}' is not a serialized tensor (${thrown instanceof Error ? thrown.message : String(thrown)}).`,
      hint: 'Give files with one TensorProto each, as ONNX test data has them (input_0.pb).',
      at: { file: source.name },
      cause: thrown,
    });
  }
}

function appendValues(field: WireField, values: (number | bigint)[]): void {
  // float_data, int32_data, int64_data, double_data, uint64_data
  if (field.number === 4) for (const value of field.floats()) values.push(value);
  else if (field.number === 10) for (const value of field.doubles()) values.push(value);
  else if (field.number === 5 || field.number === 7 || field.number === 11) {
    for (const value of field.integers()) values.push(value);
  }
}

function tensorElements(
  dtype: DType,
  raw: Uint8Array | undefined,
  values: readonly (number | bigint)[],
): Elements {
  const { make, bytes } = elementKind(dtype, '');
  if (raw !== undefined) {
    const elements = make(Math.floor(raw.length / bytes));
    new Uint8Array(elements.buffer).set(raw.subarray(0, elements.byteLength));
    return elements;
  }
  const elements = make(values.length);
  const wide = elements instanceof BigInt64Array || elements instanceof BigUint64Array;
  // 16-bit floats lie in int32_data as their bits, which is how they are kept in memory too.
  for (let i = 0; i < values.length; i++) elements[i] = wide ? BigInt(values[i]!) : Number(values[i]!);
  return elements;
}
