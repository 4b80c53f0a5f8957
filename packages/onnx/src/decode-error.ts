import { BitwrightError, describeThrown } from '@bitwright/core';
import { Reader } from 'protobufjs/minimal.js';
import { type Schema, WIRE } from './field.js';
import { foreignFormat } from './foreign-format.js';

/**
 * Explains why bytes could not be decoded.
 *
 * @param thrown what the {@link MessageReader} threw.
 * @returns ONNX_TRUNCATED when a field of the outermost message ends behind the file, else ONNX_NOT_PROTOBUF.
 */
export function decodeError(
  schema: Schema,
  bytes: Uint8Array,
  file: string,
  thrown: unknown,
): BitwrightError {
  const foreign = foreignFormat(bytes);
  if (foreign !== undefined) {
    return new BitwrightError({
      code: 'ONNX_NOT_PROTOBUF',
      message: `${file} is ${foreign.what}.`,
      hint: foreign.hint,
      at: { file },
      cause: thrown,
    });
  }
  const missing = missingBytes(schema, bytes);
  if (missing > 0) {
    return new BitwrightError({
      code: 'ONNX_TRUNCATED',
      message: `${file} ends too early: at least ${missing} bytes are missing behind its ${bytes.length}.`,
      hint: 'Fetch or write the file again, completely.',
      at: { file },
      cause: thrown,
    });
  }
  return new BitwrightError({
    code: 'ONNX_NOT_PROTOBUF',
    message: `${file} is not a protobuf file, or it is damaged (${describeThrown(thrown)}).`,
    hint: 'Check that it is an .onnx file, and fetch it again if it is.',
    at: { file },
    cause: thrown,
  });
}

/** The error for bytes that there are none of. */
export function emptyError(file: string): BitwrightError {
  return new BitwrightError({
    code: 'ONNX_EMPTY',
    message: `${file} is empty.`,
    hint: 'Fetch or write the file again.',
    at: { file },
  });
}

/**
 * How many bytes the last field of the outermost message needs beyond the end; 0 when none does, or when a field before
 * it is so odd that this is no such message at all.
 */
function missingBytes(schema: Schema, bytes: Uint8Array): number {
  const reader = new Reader(bytes);
  let known = 0;
  try {
    while (reader.pos < reader.len) {
      const tag = reader.tag();
      const wire = tag & 7;
      if (schema.byNumber[tag >>> 3] === undefined) return 0;
      known++;
      if (wire !== WIRE.bytes) reader.skipType(wire, 0, tag >>> 3);
      else {
        const end = reader.size() + reader.pos;
        if (end > reader.len) return end - reader.len;
        reader.pos = end;
      }
    }
    return 0;
  } catch {
    // A tag or number that is cut off can only be the end of a file that was good so far.
    return known > 0 && reader.len - reader.pos < 10 ? 1 : 0;
  }
}
