import { BitwrightError, type ByteSource, type DType, elementCount } from '@bitwright/core';
import { type Elements, elementKind } from './elements.js';

const TYPES: Readonly<Record<string, DType>> = {
  f2: 'float16',
  f4: 'float',
  f8: 'double',
  b1: 'bool',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
};

const LONGEST_HEADER = 1 << 16;

/** A NumPy array in C order, opened but not read (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). */
export interface NpyArray {
  readonly source: ByteSource;
  /** Where the first element lies. */
  readonly start: number;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Reads the header of a `.npy` file. @throws DATA_NPY, naming the source, for what is not such an array or is of another type or order. */
export function openNpyArray(source: ByteSource): NpyArray {
  const { text, start } = header(source);
  const description = /'descr':\s*'([^']*)'/.exec(text)?.[1] ?? '';
  const dims = /'shape':\s*\(([\d\s,L]*)\)/.exec(text)?.[1];
  const dtype = TYPES[description.slice(1)];
  if (dims === undefined) throw npyError(source, 'has a header without a shape');
  if (description.startsWith('>')) throw npyError(source, `is big-endian ('${description}')`);
  if (dtype === undefined)
    throw npyError(source, `holds elements of type '${description}', which no model takes`);
  const shape = dims
    .split(',')
    .filter((part) => part.trim() !== '')
    .map((part) => Number.parseInt(part, 10));
  if (/'fortran_order':\s*True/.test(text) && shape.length > 1) throw npyError(source, 'is in Fortran order');
  if (shape.length === 0) throw npyError(source, 'holds a single number, not samples');
  const needed = start + elementCount(shape) * elementKind(dtype, source.name).bytes;
  if (source.size < needed)
    throw npyError(source, `has ${source.size} bytes where its header promises ${needed}`);
  return { source, start, dtype, shape };
}

/** Some elements of an array, in its own type; the memory is the caller's. */
export function readNpyElements(array: NpyArray, first: number, count: number): Elements {
  const kind = elementKind(array.dtype, array.source.name);
  const elements = kind.make(count);
  const bytes = array.source.read(array.start + first * kind.bytes, count * kind.bytes);
  new Uint8Array(elements.buffer).set(bytes);
  return elements;
}

/** The error of an array that cannot serve as samples. */
export function npyError(source: ByteSource, what: string): BitwrightError {
  return new BitwrightError({
    code: 'DATA_NPY',
    message: `'${source.name}' ${what}.`,
    hint: 'Save it with numpy as a C-ordered little-endian array of numbers whose first dimension counts the samples.',
    at: { file: source.name },
  });
}

function header(source: ByteSource): { text: string; start: number } {
  const head = source.read(0, Math.min(source.size, LONGEST_HEADER));
  const latin = new TextDecoder('latin1');
  if (head.length < 12 || head[0] !== 0x93 || latin.decode(head.subarray(1, 6)) !== 'NUMPY')
    throw npyError(source, 'is not a .npy array');
  const isLong = head[6]! >= 2;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const from = isLong ? 12 : 10;
  const start = from + (isLong ? view.getUint32(8, true) : view.getUint16(8, true));
  if (start > head.length) throw npyError(source, 'ends within its header');
  return { text: latin.decode(head.subarray(from, start)), start };
}
