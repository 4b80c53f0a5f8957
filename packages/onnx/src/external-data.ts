import { BitwrightError, type ByteSourceResolver } from '@bitwright/core';
import { DATA_LOCATION, type TensorProto } from './messages.js';

/** The part of an external file that holds a tensor's raw elements. */
export interface ExternalRange {
  readonly location: string;
  /** In bytes; 0 when the file does not say. */
  readonly offset: number;
  /** In bytes; absent when the file does not say. */
  readonly length?: number;
}

/** True when the tensor's elements lie in another file. */
export function isExternal(proto: TensorProto): boolean {
  return proto.dataLocation === DATA_LOCATION.external;
}

/**
 * Where an external tensor's elements lie (ONNX docs/ExternalData.md).
 *
 * @throws EXTERNAL_DATA_LOCATION without a location, EXTERNAL_DATA_RANGE when offset or length is no whole number.
 */
export function externalRange(proto: TensorProto): ExternalRange {
  const entries = new Map(proto.externalData?.map(({ key, value }) => [key, value ?? '']));
  const location = entries.get('location');
  if (location === undefined || location === '') {
    throw new BitwrightError({
      code: 'EXTERNAL_DATA_LOCATION',
      message: `The tensor '${proto.name ?? ''}' is external but does not say in which file.`,
      hint: 'Write the model again with the tool that made it.',
      at: { value: proto.name ?? '' },
    });
  }
  const length = entries.get('length');
  return {
    location,
    offset: wholeNumber(proto, 'offset', entries.get('offset') ?? '0'),
    ...(length === undefined ? {} : { length: wholeNumber(proto, 'length', length) }),
  };
}

/**
 * Reads an external tensor's raw elements.
 *
 * @param expected their length in bytes by type and shape, which counts when the file does not say.
 * @returns as many bytes as the file says, even when they are not as many as expected.
 * @throws EXTERNAL_DATA_LOCATION, EXTERNAL_DATA_RANGE, EXTERNAL_DATA_UNRESOLVED, and what the resolver throws.
 */
export function readExternal(
  proto: TensorProto,
  resolve: ByteSourceResolver | undefined,
  expected: number,
): Uint8Array {
  const { location, offset, length = expected } = externalRange(proto);
  if (resolve === undefined) {
    throw new BitwrightError({
      code: 'EXTERNAL_DATA_UNRESOLVED',
      message: `The tensor '${proto.name ?? ''}' lies in the file '${location}', and no way to open it was given.`,
      hint: 'Load the model by its path, or give a resolver of external files.',
      at: { value: proto.name ?? '', file: location },
    });
  }
  const source = resolve(location);
  if (offset + length > source.size) {
    throw new BitwrightError({
      code: 'EXTERNAL_DATA_RANGE',
      message: `The tensor '${proto.name ?? ''}' lies at ${offset}..${offset + length} of '${source.name}', which has ${source.size} bytes.`,
      hint: 'Fetch the data file again: it is incomplete or belongs to another model.',
      at: { value: proto.name ?? '', file: source.name },
    });
  }
  return source.read(offset, length);
}

function wholeNumber(proto: TensorProto, key: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new BitwrightError({
    code: 'EXTERNAL_DATA_RANGE',
    message: `The external ${key} of the tensor '${proto.name ?? ''}' is '${text}', which is no whole number of bytes.`,
    hint: 'Write the model again with the tool that made it.',
    at: { value: proto.name ?? '' },
  });
}
