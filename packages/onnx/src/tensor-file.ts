import { BitwrightError } from '@bitwright/core';
import { decodeMessage } from './decode-message.js';
import type { LooseMessage } from './field.js';
import { MessageWriter } from './message-writer.js';
import type { TensorProto } from './messages.js';
import { SCHEMAS } from './schema.js';

/**
 * Decodes a tensor that stands alone in a file, as in the `.pb` files of ONNX test data. Bytes fields are views.
 *
 * @param name how errors call the tensor, e.g. its path.
 * @throws ONNX_EMPTY, ONNX_TRUNCATED, ONNX_NOT_PROTOBUF, ONNX_NOT_A_TENSOR, ONNX_TOO_DEEP, ONNX_TOO_LARGE.
 */
export function decodeTensor(bytes: Uint8Array, name = 'The tensor'): TensorProto {
  const tensor = decodeMessage('TensorProto', bytes, name);
  // A SequenceProto or OptionalProto has its values where a tensor has the segment, and looks like a tensor otherwise.
  if (tensor.dataType !== undefined && tensor.segment?.unknown === undefined) return tensor;
  throw new BitwrightError({
    code: 'ONNX_NOT_A_TENSOR',
    message: `${name} is protobuf but no ONNX tensor: it has no element type, or other values in it.`,
    hint: 'Give a file that holds one TensorProto; sequences, maps, optionals and models are no tensors.',
    at: { file: name },
  });
}

/** Encodes a tensor: the inverse of {@link decodeTensor}. @throws ONNX_TOO_LARGE, ONNX_INTEGER. */
export function encodeTensor(tensor: TensorProto): Uint8Array {
  return new MessageWriter().write(SCHEMAS.TensorProto, tensor as LooseMessage);
}
