import { elementCount, type Tensor } from '@bitwright/core';

/** The value of a tensor of one element; undefined for any other tensor and for types that are kept as raw bits or bytes. */
export function readNumber(tensor: Tensor): number | undefined {
  if (elementCount(tensor.dims) !== 1 || RAW.test(tensor.dtype)) return undefined;
  const element = tensor.data()[0];
  return typeof element === 'number' || typeof element === 'bigint' ? Number(element) : undefined;
}

const RAW = /^(float16|bfloat16|float8|float4|complex|string)/;

/** The elements of a tensor of numbers; undefined for types that are kept as raw bits or bytes. */
export function readNumbers(tensor: Tensor): ArrayLike<number | bigint> | undefined {
  return RAW.test(tensor.dtype) ? undefined : (tensor.data() as ArrayLike<number | bigint>);
}
