/** Where bytes are read from: a file, a download, a buffer. Reads are synchronous and by range. */
export interface ByteSource {
  /** How the source calls itself in messages, e.g. a path. */
  readonly name: string;
  readonly size: number;
  /** @returns exactly `length` bytes from `offset`. */
  read(offset: number, length: number): Uint8Array;
}

/** Finds the byte source of a name that a file refers to, e.g. ONNX external data beside the model. */
export type ByteSourceResolver = (name: string) => ByteSource;

/** A byte source over a buffer in memory; reads are views, not copies. */
export class BufferSource implements ByteSource {
  constructor(
    readonly name: string,
    readonly bytes: Uint8Array,
  ) {}

  get size(): number {
    return this.bytes.length;
  }

  read(offset: number, length: number): Uint8Array {
    return this.bytes.subarray(offset, offset + length);
  }
}
