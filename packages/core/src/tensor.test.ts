import { expect, it } from 'vitest';
import {
  DenseTensor,
  elementCount,
  floatData,
  floatTensor,
  int64Tensor,
  integerData,
  LazyTensor,
} from './tensor.js';

const coded = (code: string) => expect.objectContaining({ name: 'BitwrightError', code });

it('counts elements, one for a scalar and none for an empty dimension', () => {
  expect(elementCount([])).toBe(1);
  expect(elementCount([2, 3, 4])).toBe(24);
  expect(elementCount([2, 0, 4])).toBe(0);
});

it('refuses data that does not fill the shape', () => {
  expect(() => new DenseTensor('float', [2, 3], new Float32Array(5))).toThrow(coded('TENSOR_LENGTH'));
  expect(() => new DenseTensor('float', [2, 3], new Float32Array(5))).toThrow(/\[2, 3\].*6.*5/);
  expect(() => new DenseTensor('float', [], new Float32Array(0))).toThrow(coded('TENSOR_LENGTH'));
});

it('makes a lazy tensor once, and not before it is read', () => {
  let made = 0;
  const tensor = new LazyTensor('float', [2], () => {
    made++;
    return Float32Array.of(1, 2);
  });
  expect(made).toBe(0);
  expect(tensor.data()).toEqual(Float32Array.of(1, 2));
  expect(tensor.data()).toBe(tensor.data());
  expect(made).toBe(1);
});

it('tries again when making a lazy tensor failed', () => {
  let tries = 0;
  const tensor = new LazyTensor('float', [1], () => {
    if (tries++ === 0) throw new Error('the file is locked');
    return Float32Array.of(7);
  });
  expect(() => tensor.data()).toThrow('the file is locked');
  expect(tensor.data()).toEqual(Float32Array.of(7));
});

it('makes float and int64 tensors of numbers', () => {
  expect(floatTensor([0.1, 2]).dims).toEqual([2]);
  expect(floatTensor([0.1, 2]).data()).toEqual(Float32Array.of(0.1, 2));
  expect(floatTensor([5], []).dims).toEqual([]);
  expect(int64Tensor([-1, 2 ** 40]).data()).toEqual(BigInt64Array.of(-1n, 2n ** 40n));
  expect(() => int64Tensor([1, 2, 3], [2])).toThrow(coded('TENSOR_LENGTH'));
});

it('reads integers of every storage as numbers', () => {
  expect(integerData(int64Tensor([-3, 4]))).toEqual([-3, 4]);
  expect(integerData(new DenseTensor('uint64', [1], BigUint64Array.of(9n)))).toEqual([9]);
  expect(integerData(new DenseTensor('int4', [2], Int8Array.of(-8, 7)))).toEqual([-8, 7]);
  expect(integerData(new DenseTensor('bool', [2], Uint8Array.of(0, 1)))).toEqual([0, 1]);
});

it('does not take raw bits or strings for integers', () => {
  const half = new DenseTensor('float16', [1], Uint16Array.of(0x3c00));
  const text = new DenseTensor('string', [1], [Uint8Array.of(65)]);
  const e8m0 = new DenseTensor('float8e8m0', [1], Uint8Array.of(127));
  for (const tensor of [half, text, e8m0, floatTensor([1])]) {
    expect(() => integerData(tensor)).toThrow(coded('TENSOR_DTYPE'));
  }
});

it('reads floats from float tensors only', () => {
  expect(floatData(floatTensor([1.5]))).toEqual(Float32Array.of(1.5));
  expect(() => floatData(int64Tensor([1]))).toThrow(coded('TENSOR_DTYPE'));
  const pairs = new LazyTensor('complex64', [1], () => Float32Array.of(1, 2));
  expect(() => floatData(pairs)).toThrow(coded('TENSOR_DTYPE'));
  expect(() => floatData(new DenseTensor('double', [1], Float64Array.of(1)))).toThrow(/double/);
});
