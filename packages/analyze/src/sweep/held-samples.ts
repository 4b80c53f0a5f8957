import { DenseTensor, type DType, type Tensor, type TensorData } from '@bitwright/core';
import type { Batch, SampleSource } from '@bitwright/data';
import { digest } from './digest.js';

/** A tensor as plain data, which can be sent to another thread. */
export interface HeldTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/** A batch as plain data. */
export interface HeldBatch {
  readonly inputs: readonly HeldTensor[];
  readonly labels: readonly (number | undefined)[];
  readonly size: number;
}

/** Consecutive samples in memory, decoded once for every model and width; threads share the memory where that exists. */
export interface Shard {
  /** The content's digest. */
  readonly id: string;
  /** The index of the first sample, and how many there are. */
  readonly first: number;
  readonly count: number;
  readonly bytes: number;
  readonly batches: readonly HeldBatch[];
}

/** Reads a source in shards of at most so many bytes (one batch at least). */
export async function* readShards(
  source: SampleSource,
  batchSize: number,
  bytesPerShard: number,
): AsyncGenerator<Shard, void, void> {
  let batches: HeldBatch[] = [];
  let digests: string[] = [];
  let [first, count, bytes] = [0, 0, 0];
  for await (const batch of source.batches(batchSize)) {
    const held = hold(batch);
    const size = held.inputs.reduce((sum, { data }) => sum + byteLength(data), 0);
    if (batches.length > 0 && bytes + size > bytesPerShard) {
      yield { id: await digest(digests.join()), first, count, bytes, batches };
      [first, count, bytes, batches, digests] = [first + count, 0, 0, [], []];
    }
    batches.push(held);
    digests.push(await digestOf(held));
    bytes += size;
    count += batch.size;
  }
  if (batches.length > 0) yield { id: await digest(digests.join()), first, count, bytes, batches };
}

/** Some samples of a batch, as a model is fed with them; always a copy, since the runtime refuses shared memory. */
export function feedsOf(batch: HeldBatch, from = 0, to = batch.size): Map<string, Tensor> {
  return new Map(
    batch.inputs.map(({ name, dtype, dims, data }) => {
      const rows = from > 0 || to < batch.size;
      const stride = rows ? data.length / batch.size : 0;
      const part = rows ? data.slice(from * stride, to * stride) : data.slice();
      return [name, new DenseTensor(dtype, rows ? [to - from, ...dims.slice(1)] : dims, part)];
    }),
  );
}

/** True when a batch can be fed in parts: the first dimension of every input counts the samples. */
export function isDivisible(batch: HeldBatch): boolean {
  return batch.inputs.every(({ dims, data }) => dims[0] === batch.size && data.length % batch.size === 0);
}

/** A source that gives the samples of a shard again, in batches of any size where its own can be divided. */
export function sourceOfShard(shard: Shard, source: SampleSource): SampleSource {
  return {
    name: source.name,
    count: shard.count,
    hasLabels: source.hasLabels,
    synthetic: source.synthetic,
    diagnostics: source.diagnostics,
    async *batches(batchSize: number): AsyncGenerator<Batch, void, void> {
      let first = shard.first;
      const batches = shard.batches.every(isDivisible) ? regrouped(shard.batches, batchSize) : shard.batches;
      for (const batch of batches) {
        yield { inputs: feedsOf(batch), labels: batch.labels, size: batch.size, first };
        first += batch.size;
      }
    },
  };
}

/** The same samples in batches of exactly this size, the last one excepted. */
function* regrouped(batches: readonly HeldBatch[], size: number): Generator<HeldBatch, void, void> {
  const total = batches.reduce((sum, batch) => sum + batch.size, 0);
  let [current, at] = [0, 0];
  for (let first = 0; first < total; first += size) {
    const parts: HeldBatch[] = [];
    for (let wanted = Math.min(size, total - first); wanted > 0; ) {
      const batch = batches[current]!;
      const taken = Math.min(wanted, batch.size - at);
      parts.push(rowsOf(batch, at, at + taken));
      wanted -= taken;
      at += taken;
      if (at === batch.size) [current, at] = [current + 1, 0];
    }
    yield parts.length === 1 ? parts[0]! : joinedRows(parts);
  }
}

function rowsOf(batch: HeldBatch, from: number, to: number): HeldBatch {
  const inputs = batch.inputs.map((input) => {
    const stride = input.data.length / batch.size;
    const data = input.data.slice(from * stride, to * stride);
    return { ...input, dims: [to - from, ...input.dims.slice(1)], data };
  });
  return { inputs, labels: batch.labels.slice(from, to), size: to - from };
}

function joinedRows(parts: readonly HeldBatch[]): HeldBatch {
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  const inputs = parts[0]!.inputs.map((input, i) => {
    const pieces = parts.map((part) => part.inputs[i]!.data);
    return { ...input, dims: [size, ...input.dims.slice(1)], data: joinedData(pieces) };
  });
  return { inputs, labels: parts.flatMap((part) => part.labels), size };
}

function joinedData(pieces: readonly TensorData[]): TensorData {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const [first] = pieces;
  if (!ArrayBuffer.isView(first)) return pieces.flatMap((piece) => piece as readonly Uint8Array[]);
  const all = new (first.constructor as new (length: number) => Exclude<TensorData, readonly Uint8Array[]>)(
    length,
  );
  let at = 0;
  for (const piece of pieces) {
    (all as { set(values: unknown, at: number): void }).set(piece, at);
    at += piece.length;
  }
  return all;
}

function hold(batch: Batch): HeldBatch {
  const inputs = [...batch.inputs].map(
    ([name, tensor]): HeldTensor => ({
      name,
      dtype: tensor.dtype,
      dims: [...tensor.dims],
      data: shared(tensor.data()),
    }),
  );
  return { inputs, labels: batch.labels, size: batch.size };
}

function shared(data: TensorData): TensorData {
  if (!ArrayBuffer.isView(data) || typeof SharedArrayBuffer === 'undefined') return data;
  const memory = new SharedArrayBuffer(data.byteLength);
  new Uint8Array(memory).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const kind = data.constructor as new (memory: SharedArrayBuffer) => TensorData;
  return new kind(memory);
}

async function digestOf(batch: HeldBatch): Promise<string> {
  const parts = [JSON.stringify(batch.labels.map((label) => label ?? null))];
  for (const { name, dtype, dims, data } of batch.inputs) {
    parts.push(JSON.stringify([name, dtype, dims]));
    for (const piece of ArrayBuffer.isView(data) ? [data] : data) parts.push(await digest(bytesOf(piece)));
  }
  return digest(parts.join());
}

/** The bytes of an array; a copy where the memory is shared, which the digest refuses. */
function bytesOf(view: ArrayBufferView): Uint8Array {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return view.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
}

function byteLength(data: TensorData): number {
  return ArrayBuffer.isView(data) ? data.byteLength : data.reduce((sum, text) => sum + text.length, 0);
}
