import type { OpenExecutor } from '@bitwright/runtime';
import { type EvaluationJob, evaluateShard, type JobHooks, type ShardScores } from './evaluate-shard.js';
import type { Shard } from './held-samples.js';

/** Where jobs run: in this thread, in worker threads, one day on other machines. The results are the same. */
export interface EvaluationPool {
  /** How many jobs run at a time. */
  readonly size: number;
  evaluate(job: EvaluationJob, shard: Shard, hooks?: JobHooks): Promise<ShardScores>;
  close(): Promise<void>;
}

/** A pool that runs one job at a time in the calling thread. */
export function inThisThread(open: OpenExecutor): EvaluationPool {
  return {
    size: 1,
    evaluate: (job, shard, hooks) => evaluateShard(job, shard, open, hooks),
    close: async () => undefined,
  };
}
