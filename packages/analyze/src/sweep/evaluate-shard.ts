import { BitwrightError } from '@bitwright/core';
import {
  type ExecutionMode,
  type Executor,
  indexOfLargest,
  logitRows,
  logitsName,
  type OpenExecutor,
  rankOfLabel,
} from '@bitwright/runtime';
import { BitSet } from '../statistics/bit-set.js';
import { type OutputKind, outputDivergence } from '../statistics/output-divergence.js';
import { feedsOf, type HeldBatch, isDivisible, type Shard } from './held-samples.js';

/** A model to be run over a shard: a pure job, whose result depends on nothing but its fields and the shard. */
export interface EvaluationJob {
  readonly model: Uint8Array;
  /** How the model is called in messages. */
  readonly name: string;
  readonly mode: ExecutionMode;
  /** The output that holds the logits; the only one by default. */
  readonly output?: string;
  readonly kind: OutputKind;
  /** Outputs of the float model for the shard's samples, to agree with and diverge from. */
  readonly reference?: Float32Array;
  /** Gives the outputs back, for use as a reference. */
  readonly keepOutputs?: boolean;
}

/** What a job counted. */
export interface ShardScores {
  readonly first: number;
  readonly count: number;
  /** Which samples were right; one bit a sample of the shard. */
  readonly correct: BitSet;
  /** Values in a row of the output. */
  readonly classes: number;
  readonly top5: number;
  readonly agreement: number;
  /** The sum of the samples' divergences from the reference, in millionths of a nat: whole numbers, so that no order of adding matters. */
  readonly microNats: number;
  /** The class that was answered most often and the label that is most frequent, with how many samples have it. */
  readonly most: { readonly answered: Frequent; readonly labelled: Frequent };
  readonly outputs?: Float32Array;
}

/** A class and how many samples of a shard have it. */
export type Frequent = readonly [index: number, count: number];

/** What a running job tells, and how it is stopped. */
export interface JobHooks {
  /** Called with the number of samples that were just done. */
  readonly onSamples?: (count: number) => void;
  readonly stopped?: () => boolean;
}

const ELEMENTS_PER_RUN = 2 ** 16;

/**
 * Runs a model over a shard on one thread, in runs that are small enough to stay in the caches: several such jobs at a time
 * use a machine better than one job with several threads.
 *
 * @throws what opening and running throw, EVALUATE_OUTPUT, DATA_LABELS_MISSING, SWEEP_INTERRUPTED.
 */
export async function evaluateShard(
  job: EvaluationJob,
  shard: Shard,
  open: OpenExecutor,
  hooks: JobHooks = {},
): Promise<ShardScores> {
  const executor = await open(job.model, { name: job.name, mode: job.mode, threads: 1 });
  try {
    return await run(executor, job, shard, hooks);
  } finally {
    await executor.release();
  }
}

async function run(
  executor: Executor,
  job: EvaluationJob,
  shard: Shard,
  hooks: JobHooks,
): Promise<ShardScores> {
  const output = logitsName(executor.outputNames, job.output);
  const scores = new Scores(job, shard);
  for (const batch of shard.batches) {
    for (const [from, to] of partsOf(batch)) {
      if (hooks.stopped?.() === true) throw interrupted();
      const size = to - from;
      const result = (await executor.run(feedsOf(batch, from, to), [output])).get(output)!;
      scores.add(logitRows(result, size), batch.labels.slice(from, to));
    }
    hooks.onSamples?.(batch.size);
  }
  return scores.result();
}

/**
 * The parts of a batch that are run at a time. None has one sample unless the batch has: the runtime multiplies a single
 * row by another kernel, whose sums may differ in the last bit.
 */
function partsOf(batch: HeldBatch): [number, number][] {
  if (!isDivisible(batch)) return [[0, batch.size]];
  const elements = Math.max(1, ...batch.inputs.map(({ data }) => data.length / batch.size));
  const step = Math.min(16, Math.max(2, Math.floor(ELEMENTS_PER_RUN / elements)));
  const parts: [number, number][] = [];
  for (let from = 0; from < batch.size; from += step) {
    const to = Math.min(batch.size, from + step);
    if (to - from === 1 && parts.length > 0) parts.at(-1)![1] = to;
    else parts.push([from, to]);
  }
  return parts;
}

/** The counts of one job while they grow. */
class Scores {
  readonly #correct: BitSet;
  readonly #outputs: Float32Array[] = [];
  readonly #answered = new Map<number, number>();
  readonly #labelled = new Map<number, number>();
  #at = 0;
  #classes = 0;
  #top5 = 0;
  #agreement = 0;
  #microNats = 0;

  constructor(
    private readonly job: EvaluationJob,
    private readonly shard: Shard,
  ) {
    this.#correct = new BitSet(shard.count);
  }

  add(
    rows: { readonly data: Float32Array; readonly width: number },
    labels: readonly (number | undefined)[],
  ): void {
    const { data, width } = rows;
    const { reference, kind } = this.job;
    this.#classes = width;
    const held = reference?.subarray(this.#at * width, (this.#at + labels.length) * width);
    for (const [i, label] of labels.entries()) {
      if (label === undefined) throw missingLabel(this.shard.first + this.#at);
      const start = i * width;
      const best = indexOfLargest(data, start, width);
      if (best === label) this.#correct.add(this.#at);
      countOne(this.#answered, best);
      countOne(this.#labelled, label);
      if (label < width && rankOfLabel(data, start, width, label) < 5) this.#top5++;
      if (held !== undefined) {
        if (indexOfLargest(held, start, width) === best) this.#agreement++;
        const divergence = outputDivergence(held, data, start, width, kind);
        if (!Number.isFinite(divergence)) throw notFinite(this.shard.first + this.#at);
        this.#microNats += Math.round(divergence * 1e6);
      }
      this.#at++;
    }
    if (this.job.keepOutputs === true) this.#outputs.push(data.slice());
  }

  result(): ShardScores {
    return {
      first: this.shard.first,
      count: this.shard.count,
      correct: this.#correct,
      classes: this.#classes,
      top5: this.#top5,
      agreement: this.#agreement,
      microNats: this.#microNats,
      most: { answered: mostFrequent(this.#answered), labelled: mostFrequent(this.#labelled) },
      ...(this.job.keepOutputs === true && { outputs: joined(this.#outputs) }),
    };
  }
}

function countOne(counts: Map<number, number>, index: number): void {
  counts.set(index, (counts.get(index) ?? 0) + 1);
}

/** The first one where several are as frequent, so that the order of samples does not matter. */
function mostFrequent(counts: ReadonlyMap<number, number>): Frequent {
  let most: Frequent = [0, 0];
  for (const [index, count] of counts)
    if (count > most[1] || (count === most[1] && index < most[0])) most = [index, count];
  return most;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The error of a sweep that was asked to stop. */
export function interrupted(): BitwrightError {
  return new BitwrightError({
    code: 'SWEEP_INTERRUPTED',
    message: 'The sweep was interrupted; what was done is kept in its journal.',
    hint: 'Run the same command with --resume to go on.',
  });
}

function notFinite(sample: number): BitwrightError {
  return new BitwrightError({
    code: 'SWEEP_OUTPUT_NOT_FINITE',
    message: `Sample ${sample} of the evaluation data gives an output that is not a finite number.`,
    hint: 'Run the float model on this sample: look for overflow in the model or for bad preprocessing.',
  });
}

function missingLabel(sample: number): BitwrightError {
  return new BitwrightError({
    code: 'DATA_LABELS_MISSING',
    message: `Sample ${sample} of the evaluation data has no label, and accuracy needs one.`,
    hint: 'Say in the data card where labels come from ("label").',
  });
}
