import { zipSync } from 'fflate';

/** An array that goes into an archive: signed or unsigned integers, or floats, in C order. */
export interface NpyArray {
  readonly dims: readonly number[];
  readonly data: Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Float32Array | Float64Array;
}

/** The bytes of a `.npy` file, version 1.0 (numpy.lib.format). */
export function encodeNpy({ dims, data }: NpyArray): Uint8Array {
  const shape = dims.length === 1 ? `(${dims[0]},)` : `(${dims.join(', ')})`;
  const text = `{'descr': '${descriptionOf(data)}', 'fortran_order': False, 'shape': ${shape}, }`;
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const bytes = new Uint8Array(10 + header.length + data.byteLength);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 0xff, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + header.length);
  return bytes;
}

/** The bytes of an `.npz` archive; the same arrays give the same bytes. @param level of deflate; 0 only stores. */
export function encodeNpz(arrays: ReadonlyMap<string, NpyArray>, level: 0 | 6 = 6): Uint8Array {
  const files: Record<string, Uint8Array> = {};
  for (const [name, array] of arrays) files[`${name}.npy`] = encodeNpy(array);
  return zipSync(files, { level, mtime: new Date('1980-01-01T00:00:00Z') });
}

function descriptionOf(data: NpyArray['data']): string {
  if (data instanceof Float32Array) return '<f4';
  if (data instanceof Float64Array) return '<f8';
  const sign = data instanceof Uint8Array || data instanceof Uint16Array ? 'u' : 'i';
  return `${data.BYTES_PER_ELEMENT === 1 ? '|' : '<'}${sign}${data.BYTES_PER_ELEMENT}`;
}

/** Integers in the narrowest element type that holds every one of them. */
export function narrowest(dims: readonly number[], values: ArrayLike<number>): NpyArray {
  let low = 0;
  let high = 0;
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]!);
    high = Math.max(high, values[i]!);
  }
  const fits = (least: number, most: number): boolean => low >= least && high <= most;
  if (fits(-128, 127)) return { dims, data: Int8Array.from(values) };
  if (fits(0, 255)) return { dims, data: Uint8Array.from(values) };
  if (fits(-32768, 32767)) return { dims, data: Int16Array.from(values) };
  if (fits(-(2 ** 31), 2 ** 31 - 1)) return { dims, data: Int32Array.from(values) };
  return { dims, data: Float64Array.from(values) };
}
