import { BitwrightError, type ByteSource } from '@bitwright/core';
import { cardFiles } from '../card-files.js';
import type { IdxCard, ImageInput } from '../data-card.js';
import type { MatchedInput, ReaderContext, SampleReader } from '../sample-reader.js';
import { countMismatch } from './count-mismatch.js';
import { recordImages } from './record-images.js';

interface IdxFile {
  readonly source: ByteSource;
  readonly dims: readonly number[];
  /** Where the elements begin. */
  readonly start: number;
}

/**
 * Opens MNIST's format (http://yann.lecun.com/exdb/mnist): bytes of shape [N, height, width] or [N, height, width, 3], and
 * labels of shape [N].
 *
 * @throws DATA_FILE_FORMAT, DATA_TRUNCATED, DATA_COUNT_MISMATCH, naming the file.
 */
export async function openIdx(
  card: IdxCard,
  inputs: readonly MatchedInput<ImageInput>[],
  context: ReaderContext,
): Promise<SampleReader> {
  const paths = await cardFiles(card, context);
  if (paths.length > 2) throw notIdx(paths[2]!, 'is a third file: "files" is [images] or [images, labels]');
  const images = readIdx(context.host.source(paths[0]!));
  const labels = paths[1] === undefined ? undefined : readIdx(context.host.source(paths[1]));
  const [count = 0, height, width, depth] = images.dims;
  const colour = images.dims.length === 4;
  if (height === undefined || width === undefined || (colour && depth !== 3) || images.dims.length > 4) {
    throw notIdx(paths[0]!, `holds an array of shape [${images.dims.join(', ')}], which is not images`);
  }
  if (labels !== undefined && labels.dims.length !== 1) {
    throw notIdx(paths[1]!, `holds an array of shape [${labels.dims.join(', ')}], which is not labels`);
  }
  if (labels !== undefined && labels.dims[0] !== count) {
    throw countMismatch(paths[0]!, count, paths[1]!, labels.dims[0]!);
  }
  const bytes = height * width * (colour ? 3 : 1);
  return recordImages(
    [{ source: images.source, count, start: images.start }],
    { bytes, pixels: 0, width, height, pixelStride: colour ? 3 : 1, channelStride: colour ? 1 : 0 },
    inputs,
    labels &&
      ((_file, first, size, _records, out, at) => {
        const read = labels.source.read(labels.start + first, size);
        for (let i = 0; i < size; i++) out[at + i] = read[i];
      }),
  );
}

function readIdx(source: ByteSource): IdxFile {
  const head = source.read(0, Math.min(4, source.size));
  if (head[0] === 0x1f && head[1] === 0x8b)
    throw notIdx(source.name, 'is compressed with gzip', 'Unpack it (gunzip).');
  if (head.length < 4 || head[0] !== 0 || head[1] !== 0) throw notIdx(source.name, 'is not an idx file');
  if (head[2] !== 8) throw notIdx(source.name, 'does not hold unsigned bytes (type 0x08)');
  const rank = head[3]!;
  const start = 4 + 4 * rank;
  if (source.size < start) throw truncated(source, start);
  const view = source.read(4, 4 * rank);
  const sizes = new DataView(view.buffer, view.byteOffset, view.byteLength);
  const dims = Array.from({ length: rank }, (_, i) => sizes.getUint32(4 * i));
  const end = dims.reduce((product, dim) => product * dim, 1) + start;
  if (source.size < end) throw truncated(source, end);
  return { source, dims, start };
}

function notIdx(path: string, what: string, hint = "Name the format's own files in the card."): BitwrightError {
  return new BitwrightError({
    code: 'DATA_FILE_FORMAT',
    message: `'${path}' ${what}.`,
    hint,
    at: { file: path },
  });
}

function truncated(source: ByteSource, wanted: number): BitwrightError {
  return new BitwrightError({
    code: 'DATA_TRUNCATED',
    message: `'${source.name}' has ${source.size} bytes and its heading promises ${wanted}.`,
    hint: 'Fetch the file again.',
    at: { file: source.name },
  });
}
