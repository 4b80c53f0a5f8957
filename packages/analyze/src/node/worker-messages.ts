import type { SentError } from '@bitwright/core';
import type { EvaluationJob, ShardScores } from '../sweep/evaluate-shard.js';
import type { Shard } from '../sweep/held-samples.js';

/** A job for a worker; the shard comes along when the worker does not hold it yet. */
export interface ToWorker {
  readonly job: EvaluationJob;
  readonly shard?: Shard;
  /** Shared with all workers; anything but 0 asks them to stop. */
  readonly stop: Int32Array;
}

/** What a worker says. */
export type FromWorker =
  | { readonly kind: 'samples'; readonly count: number }
  | { readonly kind: 'done'; readonly scores: Omit<ShardScores, 'correct'>; readonly correct: Uint8Array }
  | { readonly kind: 'failed'; readonly error: SentError };
