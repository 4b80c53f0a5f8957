import { BitwrightError, type ByteSource, type DType } from '@bitwright/core';
import { cardFiles } from '../card-files.js';
import type { NpyCard, NpyInput } from '../data-card.js';
import { newSlot, planFeed } from '../feed.js';
import type { MatchedInput, ReaderContext, SampleReader } from '../sample-reader.js';
import { Shards } from './shards.js';

const DESCRIPTIONS: Readonly<Record<string, { dtype: DType; bytes: number }>> = {
  '<f4': { dtype: 'float', bytes: 4 },
  '<f8': { dtype: 'double', bytes: 8 },
  '|u1': { dtype: 'uint8', bytes: 1 },
  '|i1': { dtype: 'int8', bytes: 1 },
  '<i4': { dtype: 'int32', bytes: 4 },
  '<i8': { dtype: 'int64', bytes: 8 },
};

/** A NumPy array file, opened but not read (numpy.lib.format). */
interface NpyFile {
  readonly source: ByteSource;
  readonly start: number;
  readonly dtype: DType;
  readonly bytes: number;
  readonly shape: readonly number[];
}

/**
 * Opens `.npy` arrays whose first dimension counts the samples, for a model of one input; several files follow each other.
 *
 * @throws DATA_NPY for what is not such an array; DATA_NOT_FINITE, while reading, naming file and sample.
 */
export async function openNpy(
  card: NpyCard,
  inputs: readonly MatchedInput<NpyInput>[],
  context: ReaderContext,
): Promise<SampleReader> {
  const [input] = inputs;
  if (inputs.length !== 1 || input === undefined) {
    throw new BitwrightError({
      code: 'NOT_BUILT',
      message: `The card '${context.card}' fills ${inputs.length} inputs from .npy files, and only one is built yet.`,
      hint: 'Feed a model of several inputs through the API.',
      at: { file: context.card, option: 'inputs' },
    });
  }
  const choice = input.from.file === undefined ? card : { files: [input.from.file] };
  const files = (await cardFiles(choice, context)).map((path) => openFile(context.host.source(path)));
  const [first] = files;
  const shards = new Shards(files.map((file) => file.shape[0]!));
  const feed = planFeed(input.spec, first!.shape.slice(1), `'${first!.source.name}'`);
  return {
    count: shards.count,
    feeds: [feed],
    hasLabels: false,
    describe: (index) =>
      `${files[shards.shardOf(index)]!.source.name}, sample ${index - shards.startOf(shards.shardOf(index))}`,
    start(order) {
      let position = 0;
      return {
        next(size) {
          const slot = newSlot(feed, size);
          for (let i = 0; i < size; i++) {
            const index = order[position + i]!;
            const shard = shards.shardOf(index);
            readSample(files[shard]!, index - shards.startOf(shard), slot.stride, slot.data, i * slot.stride);
          }
          position += size;
          return {
            inputs: new Map([[feed.spec.name, slot.tensor]]),
            labels: new Array<undefined>(size).fill(undefined),
          };
        },
      };
    },
  };
}

function openFile(source: ByteSource): NpyFile {
  const head = source.read(0, Math.min(source.size, 4096));
  const isNpy =
    source.size > 12 && head[0] === 0x93 && new TextDecoder('latin1').decode(head.subarray(1, 6)) === 'NUMPY';
  if (!isNpy) throw npyError(source, 'is not a .npy file');
  const long = head[6]! >= 2;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const start = (long ? 12 : 10) + (long ? view.getUint32(8, true) : view.getUint16(8, true));
  const text = new TextDecoder('latin1').decode(head.subarray(long ? 12 : 10, start));
  const description = /'descr':\s*'([^']+)'/.exec(text)?.[1] ?? '';
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(text)?.[1] ?? '')
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  const kind = DESCRIPTIONS[description];
  if (kind === undefined)
    throw npyError(source, `holds elements of type '${description}', which can't be read`);
  if (/'fortran_order':\s*True/.test(text)) throw npyError(source, 'is in Fortran order');
  if (shape.length === 0) throw npyError(source, 'holds a single number, not samples');
  const needed = start + shape.reduce((product, dim) => product * dim, kind.bytes);
  if (source.size < needed)
    throw npyError(source, `has ${source.size} bytes where its header promises ${needed}`);
  return { source, start, shape, ...kind };
}

function readSample(
  file: NpyFile,
  sample: number,
  count: number,
  out: { [index: number]: number | bigint },
  to: number,
): void {
  const bytes = file.source.read(file.start + sample * count * file.bytes, count * file.bytes).slice();
  const values = viewOf(bytes.buffer, file.dtype);
  const isBig = out instanceof BigInt64Array || out instanceof BigUint64Array;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new BitwrightError({
        code: 'DATA_NOT_FINITE',
        message: `Sample ${sample} of '${file.source.name}' holds ${Number.isNaN(value) ? 'NaN' : 'infinity'} at element ${i}.`,
        hint: 'Mend the data: a range can not be told from it.',
        at: { file: file.source.name },
      });
    }
    out[to + i] = isBig ? BigInt(value) : Number(value);
  }
}

function viewOf(buffer: ArrayBuffer, dtype: DType): ArrayLike<number | bigint> {
  switch (dtype) {
    case 'float':
      return new Float32Array(buffer);
    case 'double':
      return new Float64Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'int64':
      return new BigInt64Array(buffer);
    case 'int8':
      return new Int8Array(buffer);
    default:
      return new Uint8Array(buffer);
  }
}

function npyError(source: ByteSource, what: string): BitwrightError {
  return new BitwrightError({
    code: 'DATA_NPY',
    message: `'${source.name}' ${what}.`,
    hint: 'Save it with numpy.save as a C-ordered array whose first dimension counts the samples.',
    at: { file: source.name },
  });
}
