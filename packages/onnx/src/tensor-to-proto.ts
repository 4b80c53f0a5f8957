import { BitwrightError, codeOfDtype, elementCount, type Tensor, type TensorData } from '@bitwright/core';
import type { TensorProto } from './messages.js';
import { ProtoTensor } from './proto-tensor.js';
import { storageOf, toRaw } from './storage.js';

/**
 * The TensorProto of a tensor, for an initializer or an attribute.
 *
 * A {@link ProtoTensor} gives back its own message, only renamed, so that nothing in it is lost and external data stays
 * external. Any other is written as `rawData`, a view of its elements (4- and 2-bit types packed); strings as
 * `stringData`.
 *
 * @throws TENSOR_DTYPE when the elements lie in another typed array than the type asks for, TENSOR_DATA_LENGTH when
 * they are not as many as the shape says, TENSOR_VALUE_RANGE for a 4- or 2-bit element that does not fit.
 */
export function tensorToProto(name: string, tensor: Tensor): TensorProto {
  if (tensor instanceof ProtoTensor) return { ...tensor.proto, name };
  const { dtype, dims } = tensor;
  const data = tensor.data();
  const message = { dims, dataType: codeOfDtype(dtype), name };
  if (dtype === 'string') {
    checkLength(name, tensor, data, 1);
    if (!isStrings(data)) throw wrongArray(name, tensor, 'an array of bytes');
    return { ...message, stringData: data };
  }
  const { array, parts } = storageOf(dtype);
  if (isStrings(data) || !(data instanceof array)) throw wrongArray(name, tensor, array.name);
  checkLength(name, tensor, data, parts);
  return { ...message, rawData: toRaw(dtype, data) };
}

function isStrings(data: TensorData): data is readonly Uint8Array[] {
  return Array.isArray(data);
}

function checkLength(name: string, { dtype, dims }: Tensor, data: TensorData, parts: number): void {
  if (data.length === elementCount(dims) * parts) return;
  throw new BitwrightError({
    code: 'TENSOR_DATA_LENGTH',
    message: `The tensor '${name}' (${dtype}, shape [${dims.join(', ')}]) needs ${elementCount(dims) * parts} elements and has ${data.length}.`,
    hint: 'Give as many elements as the shape holds.',
    at: { value: name },
  });
}

function wrongArray(name: string, { dtype }: Tensor, wanted: string): BitwrightError {
  return new BitwrightError({
    code: 'TENSOR_DTYPE',
    message: `The elements of the ${dtype} tensor '${name}' must lie in ${wanted}.`,
    hint: 'Give the typed array that belongs to the element type.',
    at: { value: name },
  });
}
