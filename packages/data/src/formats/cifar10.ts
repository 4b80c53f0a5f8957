import { BitwrightError } from '@bitwright/core';
import { cardFiles } from '../card-files.js';
import type { Cifar10Card, ImageInput } from '../data-card.js';
import type { MatchedInput, ReaderContext, SampleReader } from '../sample-reader.js';
import { type RecordFile, recordImages } from './record-images.js';

const SIDE = 32;
const PLANE = SIDE * SIDE;
const RECORD = 1 + 3 * PLANE;

/**
 * Opens CIFAR-10 in its binary form (https://www.cs.toronto.edu/~kriz/cifar.html): one label byte, then a red, a green and a
 * blue plane of 32 x 32.
 *
 * @throws DATA_TRUNCATED when a file's size is no multiple of 3073 bytes; DATA_LABEL, while reading, for a label above 9.
 */
export async function openCifar10(
  card: Cifar10Card,
  inputs: readonly MatchedInput<ImageInput>[],
  context: ReaderContext,
): Promise<SampleReader> {
  const paths = await cardFiles(card, context);
  const files = paths.map((path): RecordFile => {
    const source = context.host.source(path);
    if (source.size % RECORD !== 0) throw truncated(path, source.size);
    return { source, count: source.size / RECORD, start: 0 };
  });
  return recordImages(
    files,
    { bytes: RECORD, pixels: 1, width: SIDE, height: SIDE, pixelStride: 1, channelStride: PLANE },
    inputs,
    card.label === undefined
      ? undefined
      : (file, first, count, records, out, at) => {
          for (let i = 0; i < count; i++) {
            const label = records[i * RECORD]!;
            if (label > 9) throw wrongLabel(paths[file]!, first + i, label);
            out[at + i] = label;
          }
        },
  );
}

function truncated(path: string, size: number): BitwrightError {
  const whole = Math.floor(size / RECORD);
  return new BitwrightError({
    code: 'DATA_TRUNCATED',
    message: `'${path}' has ${size} bytes: ${whole} records of ${RECORD} bytes and ${size - whole * RECORD} bytes more.`,
    hint: 'Fetch the file again, or check that it is the binary version of CIFAR-10.',
    at: { file: path },
  });
}

function wrongLabel(path: string, record: number, label: number): BitwrightError {
  return new BitwrightError({
    code: 'DATA_LABEL',
    message: `Record ${record} of '${path}' has the label ${label}, and CIFAR-10 has the classes 0 to 9.`,
    hint: 'Check that the file is the binary version of CIFAR-10.',
    at: { file: path },
  });
}
