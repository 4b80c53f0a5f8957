/** How a field lies on the wire and in a message object; the plural kinds are repeated fields. */
export type FieldKind =
  | 'int32'
  | 'int64'
  | 'float'
  | 'string'
  | 'bytes'
  | 'message'
  | 'int64s'
  | 'strings'
  | 'bytesList'
  | 'messages'
  | ArrayKind;

/** Repeated numbers that a message object holds as a typed array; `packed…` says how they are written, both forms are read. */
export type ArrayKind =
  | 'floats'
  | 'packedFloats'
  | 'packedDoubles'
  | 'packedInt32s'
  | 'packedInt64s'
  | 'packedUint64s';

/** One field of a message. */
export interface Field {
  /** The property of the message object. */
  readonly name: string;
  readonly number: number;
  readonly kind: FieldKind;
  /** The schema of a `message` or `messages` field. */
  readonly message: Schema | undefined;
  /** The other fields of a oneof, which this one replaces. */
  readonly rivals: readonly string[];
}

/** The fields of a message. */
export interface Schema {
  readonly name: string;
  /** In ascending order of number. */
  readonly fields: readonly Field[];
  /** Indexed by field number, with holes. */
  readonly byNumber: readonly (Field | undefined)[];
}

/** The protobuf wire types that ONNX uses; 3 and 4 are the obsolete groups. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** How deep messages may nest: the limit of protobuf's own readers, so nobody could load a deeper model. */
export const MAX_DEPTH = 100;

/** The largest message that protobuf's own readers take, in bytes. */
export const MAX_BYTES = 2 ** 31 - 1;

/** A message object while the codec works on it. */
export interface LooseMessage {
  [field: string]: unknown;
  unknown?: Uint8Array[];
}
