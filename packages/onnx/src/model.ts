import { BitwrightError } from '@bitwright/core';
import { decodeMessage } from './decode-message.js';
import type { LooseMessage } from './field.js';
import { foreignFormat } from './foreign-format.js';
import { MessageWriter } from './message-writer.js';
import type { ModelProto } from './messages.js';
import { SCHEMAS } from './schema.js';

/**
 * Decodes a model without loss. Bytes fields are views into `bytes`, so do not change them afterwards.
 *
 * @param name how errors call the model, e.g. its path.
 * @throws ONNX_EMPTY, ONNX_TRUNCATED, ONNX_NOT_PROTOBUF, ONNX_NOT_A_MODEL, ONNX_TOO_DEEP, ONNX_TOO_LARGE.
 */
export function decodeModel(bytes: Uint8Array, name = 'The model'): ModelProto {
  const model = decodeMessage('ModelProto', bytes, name);
  if (model.graph === undefined) throw notAModel(model, bytes, name);
  return model;
}

/**
 * Encodes a model: the inverse of {@link decodeModel}.
 *
 * @throws ONNX_TOO_LARGE beyond protobuf's 2 GiB, ONNX_TOO_DEEP, ONNX_INTEGER.
 */
export function encodeModel(model: ModelProto): Uint8Array {
  return new MessageWriter().write(SCHEMAS.ModelProto, model as LooseMessage);
}

/**
 * Bytes that are equal for two models of equal content, in whatever order and packing the fields of their files come.
 *
 * Content is what is on the wire: an absent field differs from one that is present with its default value, and the same
 * weights in `rawData` and in `floatData` differ.
 *
 * @throws as {@link encodeModel}.
 */
export function canonicalBytes(model: ModelProto): Uint8Array {
  return new MessageWriter(true).write(SCHEMAS.ModelProto, model as LooseMessage);
}

function notAModel(model: ModelProto, bytes: Uint8Array, file: string): BitwrightError {
  const foreign = foreignFormat(bytes);
  if (foreign !== undefined) {
    return new BitwrightError({
      code: 'ONNX_NOT_PROTOBUF',
      message: `${file} is ${foreign.what}.`,
      hint: foreign.hint,
      at: { file },
    });
  }
  // The fields of a TensorProto, read as those of a model, clash in their wire types or are unknown.
  const clash = model.unknown !== undefined;
  return new BitwrightError({
    code: 'ONNX_NOT_A_MODEL',
    message: `${file} is protobuf but no ONNX model: it has no graph.`,
    hint: clash
      ? 'It may be a single tensor (.pb) or another kind of protobuf file; give the .onnx file of the model.'
      : 'Give the .onnx file of a whole model.',
    at: { file },
  });
}
