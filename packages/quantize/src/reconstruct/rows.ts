import { floatData } from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import type { Value } from '@bitwright/graph';
import { noSamples } from '../no-samples.js';

/** Samples of one value: rows one behind the other, and the value's shape with the fixed batch that they are run in. */
export interface Rows {
  readonly values: Float32Array;
  readonly samples: number;
  readonly sizes: readonly number[];
}

/** Reads the samples of the model's input. @throws CALIBRATION_NO_SAMPLES. */
export async function loadRows(
  input: Value,
  data: SampleSource,
  limit: number,
  batch: number,
  signal?: AbortSignal,
): Promise<Rows> {
  const parts: Float32Array[] = [];
  let samples = 0;
  let rest: readonly number[] = [];
  for await (const { inputs, size } of data.batches(batch)) {
    signal?.throwIfAborted();
    const tensor = inputs.get(input.name)!;
    parts.push(Float32Array.from(floatData(tensor)));
    samples += size;
    rest = tensor.dims.slice(1);
    if (samples >= limit) break;
  }
  if (samples === 0) {
    throw noSamples(data.name);
  }
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  const kept = Math.min(samples, limit);
  return { values: all.subarray(0, (all.length / samples) * kept), samples: kept, sizes: [batch, ...rest] };
}

/** The samples from one index to another. */
export function slicedRows({ values, samples, sizes }: Rows, from: number, to: number): Rows {
  const size = values.length / samples;
  return { values: values.subarray(from * size, to * size), samples: to - from, sizes };
}

/** The mean square of values. */
export function power(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return sum / values.length;
}

/** The mean square of the difference over the mean square of what was wanted. */
export function relativeError(found: Float32Array, wanted: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < found.length; i++) sum += (found[i]! - wanted[i]!) ** 2;
  return sum / found.length / Math.max(power(wanted), 1e-12);
}
