import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { BitwrightError, unpackError } from '@bitwright/core';
import { openOrtNode } from '@bitwright/runtime';
import { BitSet } from '../statistics/bit-set.js';
import type { EvaluationJob, JobHooks, ShardScores } from '../sweep/evaluate-shard.js';
import { type EvaluationPool, inThisThread } from '../sweep/evaluation-pool.js';
import type { Shard } from '../sweep/held-samples.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

/**
 * A pool of worker threads with onnxruntime-node, one for each core. Each worker runs its session on one thread: on two
 * cores that takes about half of the CPU time of one session with two threads, which spend theirs waiting for each other.
 *
 * @param entry the worker's script; where it does not exist (sources that are run without a build), the jobs run in this thread.
 */
export function openWorkerPool(
  size = availableParallelism(),
  entry = new URL('./evaluation-worker.js', import.meta.url),
): EvaluationPool {
  if (!existsSync(fileURLToPath(entry))) return inThisThread(openOrtNode);
  return new WorkerPool(size, entry);
}

interface Held {
  readonly worker: Worker;
  shard?: string;
}

class WorkerPool implements EvaluationPool {
  readonly #idle: Held[] = [];
  readonly #all = new Set<Held>();
  readonly #waiting: ((held: Held) => void)[] = [];
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));

  constructor(
    readonly size: number,
    private readonly entry: URL,
  ) {}

  async evaluate(job: EvaluationJob, shard: Shard, hooks: JobHooks = {}): Promise<ShardScores> {
    const held = await this.#take();
    const poll = setInterval(() => {
      if (hooks.stopped?.() === true) Atomics.store(this.#stop, 0, 1);
    }, 100);
    try {
      const scores = await this.#ask(held, job, shard, hooks);
      this.#give(held);
      return scores;
    } catch (thrown) {
      if (this.#all.has(held)) this.#give(held);
      throw thrown;
    } finally {
      clearInterval(poll);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map(({ worker }) => worker.terminate()));
    this.#all.clear();
  }

  #ask(held: Held, job: EvaluationJob, shard: Shard, hooks: JobHooks): Promise<ShardScores> {
    const { worker } = held;
    const known = held.shard === shard.id;
    held.shard = shard.id;
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        worker.off('message', hear);
        worker.off('error', died);
        worker.off('exit', died);
      };
      const hear = (answer: FromWorker): void => {
        if (answer.kind === 'samples') {
          hooks.onSamples?.(answer.count);
          return;
        }
        finish();
        if (answer.kind === 'done')
          resolve({ ...answer.scores, correct: new BitSet(shard.count, answer.correct) });
        else reject(unpackError(answer.error));
      };
      const died = (cause: unknown): void => {
        finish();
        this.#all.delete(held);
        this.#waiting.shift()?.(this.#start());
        reject(workerDied(job.name, cause));
      };
      worker.on('message', hear);
      worker.once('error', died);
      worker.once('exit', died);
      worker.postMessage({ job, stop: this.#stop, ...(!known && { shard }) } satisfies ToWorker);
    });
  }

  #take(): Promise<Held> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return Promise.resolve(idle);
    if (this.#all.size < this.size) return Promise.resolve(this.#start());
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #start(): Held {
    const held = { worker: new Worker(this.entry) };
    this.#all.add(held);
    return held;
  }

  #give(held: Held): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(held);
    else next(held);
  }
}

function workerDied(name: string, cause: unknown): BitwrightError {
  return new BitwrightError({
    code: 'SWEEP_WORKER_DIED',
    message: `The worker that evaluated ${name} ended: ${cause instanceof Error ? cause.message : `exit code ${String(cause)}`}.`,
    hint: 'Run the same command with --resume; when it happens again, evaluate this model alone.',
  });
}
