import { BitwrightError, DenseTensor, floatData, type Tensor } from '@bitwright/core';
import type { Executor } from '@bitwright/runtime';
import type { Rows } from './rows.js';

/** A model with a fixed batch, and what its samples are called. */
export interface RowModel {
  readonly executor: Executor;
  readonly input: string;
  readonly output: string;
}

/** Runs rows of samples through a model of a fixed batch; the last batch is filled up with its first sample. */
export async function runRows({ executor, input, output }: RowModel, rows: Rows): Promise<Rows> {
  const { samples, sizes, values } = rows;
  const batch = sizes[0]!;
  const size = values.length / samples;
  const block = new Float32Array(batch * size);
  const feeds = new Map<string, Tensor>([[input, new DenseTensor('float', sizes, block)]]);
  let results: Float32Array | undefined;
  let shape: readonly number[] = [];
  for (let first = 0; first < samples; first += batch) {
    const count = Math.min(batch, samples - first);
    block.set(values.subarray(first * size, (first + count) * size));
    for (let i = count; i < batch; i++) block.copyWithin(i * size, 0, size);
    const found = (await executor.run(feeds, [output])).get(output)!;
    const data = floatData(found);
    if (found.dims[0] !== batch) throw batchLost(output, batch);
    shape = found.dims;
    const width = data.length / batch;
    results ??= new Float32Array(samples * width);
    results.set(data.subarray(0, count * width), first * width);
  }
  return { values: results ?? new Float32Array(0), samples, sizes: shape };
}

/** The error of a part of the network that does not give one result a sample. */
export function batchLost(value: string, batch: number): BitwrightError {
  return new BitwrightError({
    code: 'RECONSTRUCT_BATCH',
    message: `The value '${value}' does not hold one result for each of ${batch} samples.`,
    hint: 'A size that is fixed inside of the model stands in the way; export it with a symbolic batch.',
    at: { value },
  });
}
