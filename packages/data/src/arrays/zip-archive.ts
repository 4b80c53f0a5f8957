import { BitwrightError, BufferSource, type ByteSource } from '@bitwright/core';
import type { inflateSync } from 'fflate';

/** A file inside of a zip archive. */
export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly compressed: number;
  readonly size: number;
  /** Where its local heading begins. */
  readonly heading: number;
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const END64_LOCATOR = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const FULL32 = 0xffffffff;

/**
 * The files of a zip archive (APPNOTE.TXT 4.3, with zip64 as NumPy writes it), by their names.
 *
 * @throws DATA_FILE_FORMAT when it isn't a zip archive.
 */
export function zipEntries(source: ByteSource): ReadonlyMap<string, ZipEntry> {
  const { count, offset, length } = centralDirectory(source);
  if (offset + length > source.size) throw notZip(source);
  const bytes = source.read(offset, length);
  const view = viewOf(bytes);
  const entries = new Map<string, ZipEntry>();
  for (let i = 0, at = 0; i < count; i++) {
    if (at + 46 > length || view.getUint32(at, true) !== CENTRAL) throw notZip(source);
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const [size, compressed, heading] = wideFields(view, at + 46 + nameLength, extraLength, [
      view.getUint32(at + 24, true),
      view.getUint32(at + 20, true),
      view.getUint32(at + 42, true),
    ]);
    entries.set(name, {
      name,
      method: view.getUint16(at + 10, true),
      compressed: compressed!,
      size: size!,
      heading: heading!,
    });
    at += 46 + nameLength + extraLength + view.getUint16(at + 32, true);
  }
  return entries;
}

/**
 * The content of an entry: a window on the archive where it is stored, unpacked into memory where it is compressed.
 *
 * @throws DATA_FILE_FORMAT for a damaged entry or another compression than deflate.
 */
export function zipContent(source: ByteSource, entry: ZipEntry, inflate: typeof inflateSync): ByteSource {
  const name = `${source.name}:${entry.name}`;
  const heading = viewOf(source.read(entry.heading, 30));
  if (heading.getUint32(0, true) !== LOCAL) throw notZip(source);
  const start = entry.heading + 30 + heading.getUint16(26, true) + heading.getUint16(28, true);
  if (start + entry.compressed > source.size) throw notZip(source);
  if (entry.method === 0) {
    return {
      name,
      size: entry.size,
      read: (offset, length) => source.read(start + offset, length),
    };
  }
  if (entry.method !== 8) {
    throw notZip(source, `compresses '${entry.name}' by method ${entry.method}`, 'Use numpy.savez.');
  }
  try {
    const packed = source.read(start, entry.compressed);
    return new BufferSource(name, inflate(packed, { out: new Uint8Array(entry.size) }));
  } catch (thrown) {
    throw notZip(source, `is damaged at '${entry.name}'`, 'Write the file again.', thrown);
  }
}

function centralDirectory(source: ByteSource): { count: number; offset: number; length: number } {
  const tailLength = Math.min(source.size, 22 + 0xffff);
  const tailStart = source.size - tailLength;
  const tail = viewOf(source.read(tailStart, tailLength));
  for (let at = tailLength - 22; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END) continue;
    const offset = tail.getUint32(at + 16, true);
    if (at < 20 || tail.getUint32(at - 20, true) !== END64_LOCATOR) {
      return { count: tail.getUint16(at + 10, true), length: tail.getUint32(at + 12, true), offset };
    }
    const wide = viewOf(source.read(Number(tail.getBigUint64(at - 12, true)), 56));
    if (wide.getUint32(0, true) !== END64) throw notZip(source);
    return {
      count: Number(wide.getBigUint64(32, true)),
      length: Number(wide.getBigUint64(40, true)),
      offset: Number(wide.getBigUint64(48, true)),
    };
  }
  throw notZip(source);
}

/** Replaces fields that are all ones by their 64-bit forms, which stand in the extra field 1 in the same order. */
function wideFields(
  view: DataView,
  extra: number,
  length: number,
  fields: readonly number[],
): readonly number[] {
  for (let at = extra; at + 4 <= extra + length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    let next = at + 4;
    return fields.map((field) => {
      if (field !== FULL32) return field;
      next += 8;
      return Number(view.getBigUint64(next - 8, true));
    });
  }
  return fields;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function notZip(
  source: ByteSource,
  what = 'is not a zip archive, or a damaged one',
  hint = 'Write it with numpy.savez.',
  cause?: unknown,
): BitwrightError {
  return new BitwrightError({
    code: 'DATA_FILE_FORMAT',
    message: `'${source.name}' ${what}.`,
    hint,
    at: { file: source.name },
    cause,
  });
}
