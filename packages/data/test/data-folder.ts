import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BitwrightError, DenseTensor, floatTensor, type Tensor } from '@bitwright/core';
import {
  type DataCard,
  type DecodeTensor,
  type InputSpec,
  type NamedTensor,
  type OpenDataOptions,
  openData,
  type SampleSource,
} from '@bitwright/data';
import { afterAll, expect } from 'vitest';

/** What a whole source gives, sample by sample and batch by batch. */
export interface Collected {
  /** The elements of each input over all batches. */
  readonly values: Readonly<Record<string, number[]>>;
  readonly labels: readonly (number | undefined)[];
  /** The shape of the first input in each batch. */
  readonly shapes: readonly (readonly number[])[];
}

/** A folder with data files that goes away after the tests of the file. */
export class DataFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'bitwright-data-'));

  constructor() {
    afterAll(() => rmSync(this.path, { recursive: true, force: true }));
  }

  write(name: string, content: Uint8Array | string): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  open(
    card: DataCard,
    inputs: InputSpec | readonly InputSpec[],
    options: OpenDataOptions = {},
  ): Promise<SampleSource> {
    const specs = Array.isArray(inputs) ? (inputs as readonly InputSpec[]) : [inputs as InputSpec];
    return openData(card, specs, { ...options, decodeTensor: decodeJson, baseFolder: this.path });
  }

  /** Opens a card and reads all of it. */
  async read(
    card: DataCard,
    inputs: InputSpec | readonly InputSpec[],
    options: OpenDataOptions & { readonly batchSize?: number } = {},
  ): Promise<Collected> {
    return collect(await this.open(card, inputs, options), options.batchSize);
  }

  /** The error that opening or reading a card ends in. */
  async failure(
    card: DataCard,
    inputs: InputSpec | readonly InputSpec[],
    options: OpenDataOptions = {},
  ): Promise<BitwrightError> {
    const thrown = await this.read(card, inputs, options).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(thrown).toBeInstanceOf(BitwrightError);
    const error = thrown as BitwrightError;
    expect(error.hint).not.toBe('');
    return error;
  }
}

/** An input of a model; a shape with a symbolic batch by default. */
export function input(shape: InputSpec['shape'], dtype: InputSpec['dtype'] = 'float', name = 'x'): InputSpec {
  return { name, dtype, shape };
}

export async function collect(source: SampleSource, batchSize = 4): Promise<Collected> {
  const values: Record<string, number[]> = {};
  const labels: (number | undefined)[] = [];
  const shapes: (readonly number[])[] = [];
  for await (const batch of source.batches(batchSize)) {
    for (const [name, tensor] of batch.inputs) {
      values[name] = [...(values[name] ?? []), ...numbers(tensor)];
    }
    labels.push(...batch.labels);
    shapes.push([...batch.inputs.values()][0]!.dims);
  }
  return { values, labels, shapes };
}

function numbers(tensor: Tensor): number[] {
  return Array.from(tensor.data() as Float32Array | BigInt64Array, Number);
}

/** A `.npy` file of version 1. */
export function npy(
  descr: string,
  shape: readonly number[],
  data: { readonly buffer: ArrayBufferLike },
  fortran = false,
): Uint8Array {
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${dims}), }`;
  const header = `${text.padEnd(117)}\n`;
  return Buffer.concat([
    Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length, 0]),
    Buffer.from(header),
    new Uint8Array(data.buffer),
  ]);
}

/** Records of CIFAR-10: image `i` has the value `i` in red, `i + 50` in green and `i + 100` in blue, and the label `i % 10`. */
export function cifar(count: number): Uint8Array {
  const bytes = new Uint8Array(count * 3073);
  for (let i = 0; i < count; i++) {
    bytes[i * 3073] = i % 10;
    for (let channel = 0; channel < 3; channel++)
      bytes.fill(i + 50 * channel, i * 3073 + 1 + channel * 1024, i * 3073 + 1 + (channel + 1) * 1024);
  }
  return bytes;
}

/** An idx file of unsigned bytes. */
export function idx(dims: readonly number[], data: ArrayLike<number>): Uint8Array {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header[2] = 8;
  header[3] = dims.length;
  for (const [i, dim] of dims.entries()) header.writeUInt32BE(dim, 4 + 4 * i);
  return Buffer.concat([header, Uint8Array.from(data)]);
}

/** A tensor file of these tests: JSON in the place of protobuf, which this package does not know. */
export function tensorFile(
  dims: readonly number[],
  values: readonly number[],
  name = '',
  dtype = 'float',
): string {
  return JSON.stringify({ dims, values, name, dtype });
}

const decodeJson: DecodeTensor = (bytes, path) => {
  let parsed: { dims: number[]; values: number[]; name: string; dtype: 'float' | 'int64' };
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new BitwrightError({
      code: 'ONNX_NOT_A_TENSOR',
      message: `'${path}' is no tensor.`,
      hint: 'Give one.',
      at: { file: path },
      cause,
    });
  }
  const { dims, values, name, dtype } = parsed;
  const tensor =
    dtype === 'int64'
      ? new DenseTensor('int64', dims, BigInt64Array.from(values, BigInt))
      : floatTensor(values, dims);
  return { name, dtype: tensor.dtype, dims, data: () => tensor.data() } satisfies NamedTensor;
};
