import { BitwrightError, type ByteSource, type DType } from '@bitwright/core';
import { type Elements, elementKind } from './elements.js';

const TYPES: Readonly<Record<string, DType>> = {
  f2: 'float16',
  f4: 'float',
  f8: 'double',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  b1: 'bool',
};

/** A NumPy array in a file (`.npy`, format versions 1 to 3), read by ranges of its first dimension. */
export class NpyArray {
  readonly #swapped: boolean;

  private constructor(
    readonly source: ByteSource,
    readonly dtype: DType,
    readonly shape: readonly number[],
    readonly start: number,
    swapped: boolean,
  ) {
    this.#swapped = swapped;
  }

  /**
   * Reads the heading.
   *
   * @throws DATA_FILE_FORMAT for what is not an array of numbers in C order, DATA_TRUNCATED for a file that is too short.
   */
  static open(source: ByteSource): NpyArray {
    const { text, start } = readHeading(source);
    const descr = /'descr'\s*:\s*'([<>|=]?)([a-zA-Z]\d*)'/.exec(text);
    const order = /'fortran_order'\s*:\s*(True|False)/.exec(text);
    const shape = /'shape'\s*:\s*\(([^)]*)\)/.exec(text);
    const dtype = TYPES[descr?.[2] ?? ''];
    if (descr === null || order === null || shape === null || dtype === undefined) {
      const found = /'descr'\s*:\s*([^,]*),/.exec(text)?.[1] ?? 'nothing readable';
      throw notNpy(
        source,
        `holds elements of type ${found}`,
        'Save numbers: float16/32/64, int8..64, uint8..64 or bool.',
      );
    }
    const dims = shape[1]!
      .split(',')
      .filter((part) => part.trim() !== '')
      .map(Number);
    if (order[1] === 'True' && dims.length > 1) {
      throw notNpy(source, 'is in Fortran order', 'Save numpy.ascontiguousarray(x).');
    }
    const array = new NpyArray(source, dtype, dims, start, descr[1] === '>');
    const wanted = start + array.rows * array.rowLength * elementKind(dtype, '').bytes;
    if (source.size >= wanted) return array;
    throw new BitwrightError({
      code: 'DATA_TRUNCATED',
      message: `'${source.name}' has ${source.size} bytes and its heading promises ${wanted}.`,
      hint: 'Fetch or write the file again.',
      at: { file: source.name },
    });
  }

  /** The first dimension, which counts the samples; 1 for a scalar. */
  get rows(): number {
    return this.shape[0] ?? 1;
  }

  /** The number of elements of one sample. */
  get rowLength(): number {
    return this.shape.slice(1).reduce((product, dim) => product * dim, 1);
  }

  /** The elements of some rows, in the array's own type. */
  readRows(first: number, count: number): Elements {
    const { make, bytes: width } = elementKind(this.dtype, '');
    const bytes = this.source.read(
      this.start + first * this.rowLength * width,
      count * this.rowLength * width,
    );
    // A copy: the source may hand out a view of its own bytes, at any alignment.
    const elements = make(count * this.rowLength);
    const target = new Uint8Array(elements.buffer);
    if (!this.#swapped) target.set(bytes);
    else for (let i = 0; i < bytes.length; i++) target[i] = bytes[i - (i % width) + width - 1 - (i % width)]!;
    return elements;
  }
}

function readHeading(source: ByteSource): { text: string; start: number } {
  const magic = source.read(0, Math.min(12, source.size));
  const isNpy = magic.length >= 10 && String.fromCharCode(...magic.subarray(0, 6)) === '\x93NUMPY';
  if (!isNpy)
    throw notNpy(
      source,
      'is not an .npy file',
      'Save it with numpy.save (numpy.savez files have the format npz).',
    );
  const view = new DataView(magic.buffer, magic.byteOffset, magic.byteLength);
  const wide = magic[6]! >= 2;
  const start = wide ? 12 : 10;
  const length = wide && magic.length >= 12 ? view.getUint32(8, true) : view.getUint16(8, true);
  if (source.size < start + length) throw notNpy(source, 'ends within its heading', 'Write the file again.');
  return { text: new TextDecoder().decode(source.read(start, length)), start: start + length };
}

function notNpy(source: ByteSource, what: string, hint: string): BitwrightError {
  return new BitwrightError({
    code: 'DATA_FILE_FORMAT',
    message: `'${source.name}' ${what}.`,
    hint,
    at: { file: source.name },
  });
}
