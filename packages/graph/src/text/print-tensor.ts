import { elementCount, type Tensor } from '@bitwright/core';
import { quoteString } from './names.js';
import { printDouble, printFloat32 } from './print-number.js';
import { printTensorType } from './print-type.js';

/** The type of a tensor: `float[2,3]`. */
export function printTypeOf(tensor: Tensor): string {
  return printTensorType(tensor.dtype, tensor.dims);
}

/**
 * The elements of a tensor in braces. Floats are numbers; 16-bit and narrower floats are their raw bits, as in ONNX;
 * complex numbers are pairs; strings that are not UTF-8 are written `x"ff00"`.
 *
 * @param maxElements a tensor of more elements is elided, `{...}`, and not read.
 */
export function printElements(tensor: Tensor, maxElements: number): string {
  if (elementCount(tensor.dims) > maxElements) return '{...}';
  const data = tensor.data();
  if (data instanceof Float32Array) return braces(Array.from(data, printFloat32));
  if (data instanceof Float64Array) return braces(Array.from(data, printDouble));
  if (ArrayBuffer.isView(data)) return braces(Array.from(data as Iterable<number | bigint>, String));
  return braces(data.map(printBytes));
}

function braces(elements: readonly string[]): string {
  return `{${elements.join(', ')}}`;
}

function printBytes(bytes: Uint8Array): string {
  try {
    return quoteString(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return `x"${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}"`;
  }
}
