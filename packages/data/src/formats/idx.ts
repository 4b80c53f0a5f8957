import { BitwrightError, type ByteSource } from '@bitwright/core';
import { cardFiles } from '../card-files.js';
import type { IdxCard, ImageInput } from '../data-card.js';
import type { MatchedInput, ReaderContext, SampleReader } from '../sample-reader.js';
import { recordImages } from './record-images.js';

/**
 * Opens MNIST's idx format (http://yann.lecun.com/exdb/mnist): a file of images and, if given, one of labels.
 *
 * @throws DATA_IDX when a header is not that of unsigned bytes of the expected rank; DATA_TRUNCATED when a file is short.
 */
export async function openIdx(
  card: IdxCard,
  inputs: readonly MatchedInput<ImageInput>[],
  context: ReaderContext,
): Promise<SampleReader> {
  const [imagePath, labelPath] = await cardFiles(card, context);
  const images = openArray(context.host.source(imagePath!), 3);
  const labels = labelPath === undefined ? undefined : openArray(context.host.source(labelPath), 1);
  const [count, height, width] = images.dims as [number, number, number];
  if (labels !== undefined && labels.dims[0] !== count) {
    throw idxError(
      labels.source,
      `holds ${labels.dims[0]} labels for ${count} images`,
      'Name the label file that belongs to the images.',
    );
  }
  const bytes = height * width;
  return recordImages(
    [{ source: images.source, count, start: images.start }],
    { bytes, pixels: 0, width, height, pixelStride: 1, channelStride: 0 },
    inputs,
    labels &&
      ((_file, first, size, _records, out, at) => {
        const found = labels.source.read(labels.start + first, size);
        for (let i = 0; i < size; i++) out[at + i] = found[i]!;
      }),
  );
}

function openArray(source: ByteSource, rank: number): { source: ByteSource; dims: number[]; start: number } {
  const start = 4 + 4 * rank;
  const head = source.size < start ? new Uint8Array(start) : source.read(0, start);
  if (head[0] !== 0 || head[1] !== 0 || head[2] !== 8 || head[3] !== rank) {
    throw idxError(
      source,
      `is not an idx file of unsigned bytes with ${rank} dimensions`,
      'The first of "files" holds the images, the second the labels, both uncompressed.',
    );
  }
  const view = new DataView(head.buffer, head.byteOffset, start);
  const dims = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const needed = start + dims.reduce((product, dim) => product * dim, 1);
  if (source.size >= needed) return { source, dims, start };
  throw new BitwrightError({
    code: 'DATA_TRUNCATED',
    message: `'${source.name}' has ${source.size} bytes where its header promises ${needed}.`,
    hint: 'Fetch the file again: it is truncated.',
    at: { file: source.name },
  });
}

function idxError(source: ByteSource, what: string, hint: string): BitwrightError {
  return new BitwrightError({
    code: 'DATA_IDX',
    message: `'${source.name}' ${what}.`,
    hint,
    at: { file: source.name },
  });
}
