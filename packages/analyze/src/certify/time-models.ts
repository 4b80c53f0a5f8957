import { DenseTensor, elementCount, seededRandom, type Tensor } from '@bitwright/core';
import type { InputSpec } from '@bitwright/data';
import type { Executor } from '@bitwright/runtime';
import type { CertifiedTiming } from './certificate-document.js';

/** How models are timed. */
export interface TimingOptions {
  readonly rounds?: number;
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

const SECONDS_PER_MEASUREMENT = 0.02;
const DEFAULT_ROUNDS = 30;

/**
 * Times a quantized model, and the float one in turn with it, on seeded random inputs of batch 1: a disturbance of the machine
 * then meets both, and the ratio round by round hardly feels it.
 */
export async function timeModels(
  quantized: Executor,
  float: Executor | undefined,
  options: TimingOptions = {},
): Promise<CertifiedTiming> {
  const feeds = randomFeeds(quantized.inputs);
  const rounds = options.rounds ?? DEFAULT_ROUNDS;
  const repeats = [quantized, float].map(() => 1);
  const times: [number[], number[]] = [[], []];
  for (let round = -1; round < rounds; round++) {
    for (const [i, executor] of [quantized, float].entries()) {
      if (executor === undefined) continue;
      options.signal?.throwIfAborted();
      const seconds = await measure(executor, feeds, repeats[i]!);
      // the first round warms up, and says how many runs a measurement needs
      if (round < 0) repeats[i] = Math.max(1, Math.ceil(SECONDS_PER_MEASUREMENT / seconds));
      else times[i]!.push(seconds);
    }
  }
  const [own, other] = times;
  const base = { batch: 1, rounds, ...(options.threads !== undefined && { threads: options.threads }) };
  if (float === undefined) return { ...base, quantized: spread(own) };
  const ratio = spread(other.map((seconds, i) => seconds / own[i]!));
  return {
    ...base,
    float: spread(other),
    quantized: spread(own),
    ratio: ratio.medianSeconds,
    ratioLow: ratio.lowSeconds,
    ratioHigh: ratio.highSeconds,
  };
}

async function measure(
  executor: Executor,
  feeds: ReadonlyMap<string, Tensor>,
  repeats: number,
): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < repeats; i++) await executor.run(feeds);
  return (performance.now() - started) / 1000 / repeats;
}

function spread(values: readonly number[]): CertifiedTiming['quantized'] {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))]!;
  return { medianSeconds: at(0.5), lowSeconds: at(0.25), highSeconds: at(0.75) };
}

/** Inputs of batch 1; other open dimensions are 1 as well. */
function randomFeeds(inputs: readonly InputSpec[]): Map<string, Tensor> {
  const random = seededRandom(1);
  return new Map(
    inputs.map(({ name, dtype, shape }) => {
      const dims = (shape ?? [1]).map((dim) => (typeof dim === 'number' && dim > 0 ? dim : 1));
      const values = Float32Array.from({ length: elementCount(dims) }, () => 2 * random() - 1);
      return [name, feed(dtype, dims, values)];
    }),
  );
}

function feed(dtype: InputSpec['dtype'], dims: readonly number[], values: Float32Array): Tensor {
  switch (dtype) {
    case 'float':
      return new DenseTensor('float', dims, values);
    case 'uint8':
      return new DenseTensor(
        'uint8',
        dims,
        Uint8Array.from(values, (value) => 127.5 * (value + 1)),
      );
    case 'int64':
      return new DenseTensor(
        'int64',
        dims,
        BigInt64Array.from(values, () => 1n),
      );
    default:
      return new DenseTensor('double', dims, Float64Array.from(values));
  }
}
