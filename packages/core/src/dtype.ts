/** Element types of ONNX tensors by their textual names, with the number in `TensorProto.DataType` and the width in bits. */
export const DTYPES = {
  float: { code: 1, bits: 32 },
  uint8: { code: 2, bits: 8 },
  int8: { code: 3, bits: 8 },
  uint16: { code: 4, bits: 16 },
  int16: { code: 5, bits: 16 },
  int32: { code: 6, bits: 32 },
  int64: { code: 7, bits: 64 },
  string: { code: 8, bits: 0 },
  bool: { code: 9, bits: 8 },
  float16: { code: 10, bits: 16 },
  double: { code: 11, bits: 64 },
  uint32: { code: 12, bits: 32 },
  uint64: { code: 13, bits: 64 },
  complex64: { code: 14, bits: 64 },
  complex128: { code: 15, bits: 128 },
  bfloat16: { code: 16, bits: 16 },
  float8e4m3fn: { code: 17, bits: 8 },
  float8e4m3fnuz: { code: 18, bits: 8 },
  float8e5m2: { code: 19, bits: 8 },
  float8e5m2fnuz: { code: 20, bits: 8 },
  uint4: { code: 21, bits: 4 },
  int4: { code: 22, bits: 4 },
  float4e2m1: { code: 23, bits: 4 },
  float8e8m0: { code: 24, bits: 8 },
  uint2: { code: 25, bits: 2 },
  int2: { code: 26, bits: 2 },
} as const satisfies Record<string, { code: number; bits: number }>;

/** The name of an ONNX element type, e.g. `float`, `int64`, `uint4`. */
export type DType = keyof typeof DTYPES;

const byCode = new Map<number, DType>(
  (Object.keys(DTYPES) as DType[]).map((name) => [DTYPES[name].code, name]),
);

/** The element type of a `TensorProto.DataType` number; undefined for one that this schema does not know. */
export function dtypeOfCode(code: number): DType | undefined {
  return byCode.get(code);
}

/** The `TensorProto.DataType` number of an element type. */
export function codeOfDtype(dtype: DType): number {
  return DTYPES[dtype].code;
}

/** True for a name in {@link DTYPES}. */
export function isDtype(name: string): name is DType {
  return Object.hasOwn(DTYPES, name);
}
