import { expect, it } from 'vitest';
import { codeOfDtype, DTYPES, type DType, dtypeOfCode, isDtype } from './dtype.js';

it('has the numbers of TensorProto.DataType', () => {
  // onnx.proto, enum DataType, in its order from FLOAT = 1
  const order =
    'float uint8 int8 uint16 int16 int32 int64 string bool float16 double uint32 uint64 complex64 complex128 bfloat16 float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz uint4 int4 float4e2m1 float8e8m0 uint2 int2';
  expect(order.split(' ').map((name) => codeOfDtype(name as DType))).toEqual(
    [...Array(26).keys()].map((i) => i + 1),
  );
});

it('goes from names to numbers and back', () => {
  for (const name of Object.keys(DTYPES) as DType[]) expect(dtypeOfCode(codeOfDtype(name))).toBe(name);
  expect(dtypeOfCode(0)).toBeUndefined();
  expect(dtypeOfCode(999)).toBeUndefined();
});

it('knows the width that the name of an integer states', () => {
  for (const [name, { bits }] of Object.entries(DTYPES)) {
    const stated = /^u?int(\d+)$/.exec(name)?.[1];
    if (stated !== undefined) expect(bits).toBe(Number(stated));
  }
});

it('does not take inherited properties for element types', () => {
  expect(isDtype('float')).toBe(true);
  for (const name of ['float32', 'FLOAT', '', 'toString', '__proto__']) expect(isDtype(name)).toBe(false);
});
