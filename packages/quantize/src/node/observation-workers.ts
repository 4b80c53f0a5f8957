import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { BitwrightError, unpackError } from '@bitwright/core';
import { GrowingStatistics } from '../growing-statistics.js';
import type { ObservationHelpers, ObservationShard, ShardBatch } from '../observation-shard.js';
import { FLOAT_MODEL_NAME } from '../observe.js';
import type { FromObserver, ToObserver } from './observation-messages.js';

// each holds a session and a batch of activations
const MOST_SHARDS = 8;

/**
 * Starts worker threads that help to observe a model: each counts the batches that it is given, and the counts merge
 * exactly, so that nothing depends on how many there are. They boot while the model is still being read.
 *
 * @param shards how many threads share the work, the calling one among them; one a core by default, 8 at most.
 * @param entry the worker's script; where it does not exist (sources that are run without a build), no worker is started.
 */
export function startObservationWorkers(
  shards = availableParallelism(),
  entry = new URL('./observation-worker.js', import.meta.url),
): ObservationHelpers {
  const length = existsSync(fileURLToPath(entry)) ? Math.min(shards, MOST_SHARDS) - 1 : 0;
  const started = Array.from({ length }, () => new WorkerShard(new Worker(entry)));
  return {
    open: (model) => {
      for (const shard of started) shard.open(model);
      return started;
    },
    close: () => {
      for (const shard of started) shard.close();
    },
  };
}

interface Waiting {
  readonly resolve: (answer: FromObserver) => void;
  readonly reject: (error: Error) => void;
}

class WorkerShard implements ObservationShard {
  // one batch waits while another runs
  readonly depth = 2;
  readonly #waiting: Waiting[] = [];
  #opened: Promise<unknown> = Promise.resolve();

  constructor(private readonly worker: Worker) {
    // a worker that nobody waits for does not hold the process
    worker.unref();
    worker.on('message', (answer: FromObserver) => {
      const { resolve, reject } = this.#waiting.shift()!;
      if (answer.kind === 'failed') reject(unpackError(answer.error));
      else resolve(answer);
    });
    worker.on('error', (cause) => this.#died(cause));
    worker.on('exit', (code) => this.#died(code));
  }

  open(model: Uint8Array): void {
    this.#opened = this.#ask({ kind: 'open', model, name: FLOAT_MODEL_NAME });
    // told to whoever asks next
    this.#opened.catch(() => undefined);
  }

  async observe({ inputs, size }: ShardBatch, fetches: readonly string[]): Promise<void> {
    await this.#opened;
    const sent = [...inputs].map(
      ([name, tensor]) => [name, tensor.dtype, tensor.dims, tensor.data()] as const,
    );
    await this.#ask({ kind: 'batch', inputs: sent, size, fetches });
  }

  async finish(into: Map<string, GrowingStatistics>): Promise<void> {
    const answer = await this.#ask({ kind: 'finish' });
    if (answer.kind !== 'statistics') return;
    for (const [name, state] of answer.tensors) {
      const found = into.get(name) ?? new GrowingStatistics();
      into.set(name, found);
      found.mergeState(state);
    }
  }

  close(): void {
    this.worker.removeAllListeners();
    void this.worker.terminate();
  }

  #ask(message: ToObserver): Promise<FromObserver> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.worker.ref();
      this.worker.postMessage(message);
    });
  }

  #died(cause: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(workerDied(cause));
  }
}

function workerDied(cause: unknown): BitwrightError {
  return new BitwrightError({
    code: 'CALIBRATION_WORKER_DIED',
    message: `A worker that calibrated the model ended: ${cause instanceof Error ? cause.message : `exit code ${String(cause)}`}.`,
    hint: 'Run the command again with --workers 1, which calibrates in one thread.',
  });
}
