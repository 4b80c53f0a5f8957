import { DenseTensor, type DType, floatTensor, type Tensor } from '@bitwright/core';

/** A rank-0 tensor of a float type. @returns undefined for a type that is no float of 16, 32 or 64 bits. */
export function floatScalar(dtype: DType, value: number): Tensor | undefined {
  switch (dtype) {
    case 'float':
      return floatTensor([value], []);
    case 'double':
      return new DenseTensor('double', [], Float64Array.of(value));
    case 'float16':
      return new DenseTensor('float16', [], Uint16Array.of(float16Bits(value)));
    case 'bfloat16':
      return new DenseTensor('bfloat16', [], Uint16Array.of(bfloat16Bits(value)));
    default:
      return undefined;
  }
}

/** The bits of the nearest half-precision number, ties to even; beyond 65504 infinity. */
export function float16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  // One unit in the last place is 2^(exponent - 10), and 2^-24 below the normal range.
  const exponent = Math.max(Math.floor(Math.log2(magnitude)), -14);
  const scaled = magnitude / 2 ** (exponent - 10);
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const units = rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
  // A carry out of the mantissa moves on to the exponent by itself.
  return sign | (units < 1024 ? units : units + (exponent + 14) * 1024);
}

function bfloat16Bits(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  return Number.isNaN(value) ? 0x7fc0 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
