import { DenseTensor, type Tensor, type TensorData } from '@bitwright/core';

/** Where chunks go that do not fit into memory: a temporary file on Node. */
export interface SpillSpace {
  /** @returns a ticket to read the bytes back with. */
  write(bytes: Uint8Array): SpillTicket;
  read(ticket: SpillTicket): Uint8Array;
  /** Lets the place be used again. */
  free(ticket: SpillTicket): void;
  close(): void;
}

/** A place in a {@link SpillSpace}. */
export interface SpillTicket {
  readonly offset: number;
  readonly length: number;
}

/** Which of the two networks a value belongs to: the float one, or the one whose front part is quantized already. */
export type Side = 'float' | 'quantized';

/** A chunk of one value in memory, or its place in the spill space. */
type Chunk = { readonly tensor: Tensor } | { readonly like: Tensor; readonly ticket: SpillTicket };

/**
 * The values of one cut through the network, for all calibration samples, in fixed chunks.
 *
 * Keeps at most `budget` bytes in memory; what comes beyond goes to the spill space, so that memory does not grow with the
 * number of samples.
 */
export class ActivationStore {
  readonly #chunks = new Map<string, Chunk[]>();
  readonly #openSpill: () => SpillSpace;
  #spill: SpillSpace | undefined;
  #bytes = 0;

  constructor(
    private readonly budget: number,
    openSpill: () => SpillSpace,
  ) {
    this.#openSpill = openSpill;
  }

  /** Bytes of the chunks in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds the next chunk of a value. */
  append(side: Side, name: string, tensor: Tensor): void {
    const key = keyOf(side, name);
    const chunks = this.#chunks.get(key) ?? [];
    this.#chunks.set(key, chunks);
    const bytes = bytesOf(tensor);
    if (bytes !== undefined && this.#bytes + bytes.byteLength > this.budget) {
      this.#spill ??= this.#openSpill();
      chunks.push({ like: emptyLike(tensor), ticket: this.#spill.write(bytes) });
      return;
    }
    this.#bytes += bytes?.byteLength ?? 0;
    chunks.push({ tensor });
  }

  /** A chunk of a value; where the two networks do not differ yet, the float one serves both. */
  get(side: Side, name: string, index: number): Tensor {
    const chunk = this.#list(side, name)[index]!;
    if ('tensor' in chunk) return chunk.tensor;
    const bytes = this.#spill!.read(chunk.ticket);
    const like = chunk.like.data() as Float32Array;
    const Kind = like.constructor as Float32ArrayConstructor;
    const data = new Kind(bytes.buffer, bytes.byteOffset, bytes.byteLength / Kind.BYTES_PER_ELEMENT);
    return new DenseTensor(chunk.like.dtype, dimsOf(chunk.like), data as TensorData);
  }

  has(side: Side, name: string): boolean {
    return this.#chunks.has(keyOf(side, name));
  }

  /** Number of chunks of a value, and their shapes. */
  shapes(name: string): { dtype: Tensor['dtype']; dims: (readonly number[])[] } {
    const chunks = this.#list('float', name);
    const tensors = chunks.map((chunk) => ('tensor' in chunk ? chunk.tensor : chunk.like));
    return { dtype: tensors[0]?.dtype ?? 'float', dims: tensors.map(dimsOf) };
  }

  /** Forgets a value on both sides. */
  delete(name: string): void {
    for (const side of ['float', 'quantized'] as const) {
      for (const chunk of this.#chunks.get(keyOf(side, name)) ?? []) {
        if ('ticket' in chunk) this.#spill?.free(chunk.ticket);
        else this.#bytes -= bytesOf(chunk.tensor)?.byteLength ?? 0;
      }
      this.#chunks.delete(keyOf(side, name));
    }
  }

  close(): void {
    this.#chunks.clear();
    this.#spill?.close();
    this.#spill = undefined;
  }

  #list(side: Side, name: string): Chunk[] {
    return this.#chunks.get(keyOf(side, name)) ?? this.#chunks.get(keyOf('float', name)) ?? [];
  }
}

/** The shape of a chunk that may have been spilled: then its tensor holds nothing, and the shape stands beside. */
class SpilledShape implements Tensor {
  constructor(
    readonly dtype: Tensor['dtype'],
    readonly dims: readonly number[],
    private readonly empty: TensorData,
  ) {}

  data(): TensorData {
    return this.empty;
  }
}

function emptyLike(tensor: Tensor): Tensor {
  return new SpilledShape(tensor.dtype, tensor.dims, (tensor.data() as Float32Array).slice(0, 0));
}

function dimsOf(tensor: Tensor): readonly number[] {
  return tensor.dims;
}

function bytesOf(tensor: Tensor): Uint8Array | undefined {
  const data = tensor.data();
  // strings stay in memory: nobody calibrates on many of them
  if (!ArrayBuffer.isView(data)) return undefined;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function keyOf(side: Side, name: string): string {
  return `${side}:${name}`;
}
