import { BitwrightError } from '@bitwright/core';
import { decodeError, emptyError } from './decode-error.js';
import { type LooseMessage, MAX_BYTES } from './field.js';
import { MessageReader } from './message-reader.js';
import { tooLarge } from './message-writer.js';
import { type Messages, SCHEMAS } from './schema.js';

/**
 * Decodes a message of a known type from a whole buffer.
 *
 * @param file how errors call the buffer.
 * @throws ONNX_EMPTY, ONNX_TRUNCATED, ONNX_NOT_PROTOBUF, ONNX_TOO_DEEP, ONNX_TOO_LARGE.
 */
export function decodeMessage<M extends keyof Messages>(
  type: M,
  bytes: Uint8Array,
  file: string,
): Messages[M] {
  if (bytes.length === 0) throw emptyError(file);
  if (bytes.length > MAX_BYTES) throw tooLarge(file, bytes.length);
  const schema = SCHEMAS[type];
  let message: LooseMessage;
  try {
    message = new MessageReader(bytes, file).read(schema);
  } catch (thrown) {
    if (thrown instanceof BitwrightError) throw thrown;
    throw decodeError(schema, bytes, file, thrown);
  }
  return message as Messages[M];
}
