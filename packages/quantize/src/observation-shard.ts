import type { Tensor } from '@bitwright/core';
import type { Executor } from '@bitwright/runtime';
import { GrowingStatistics } from './growing-statistics.js';
import type { SampleStatistic } from './observers/observer.js';

/** What a shard is fed: some consecutive samples. */
export interface ShardBatch {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly size: number;
}

/** A place that runs the float model over some of the batches and counts its tensors: this thread, or a worker. */
export interface ObservationShard {
  /** How many batches it takes before the first of them is done. */
  readonly depth: number;
  /** Runs the model once and counts the tensors that are fetched. */
  observe(batch: ShardBatch, fetches: readonly string[]): Promise<void>;
  /** Adds what was counted to the statistics by tensor; the shard is at its end then. */
  finish(into: Map<string, GrowingStatistics>): Promise<void>;
}

/** Threads that can help to observe a model. */
export interface ObservationHelpers {
  /** Gives each helper the model. */
  open(model: Uint8Array): readonly ObservationShard[];
  /** Ends the helpers, at once. */
  close(): void;
}

/** The shard of the calling thread. */
export class LocalShard implements ObservationShard {
  readonly depth = 1;
  readonly statistics = new Map<string, GrowingStatistics>();

  constructor(
    private readonly executor: Executor,
    private readonly needs?: SampleStatistic,
  ) {}

  async observe(batch: ShardBatch, fetches: readonly string[]): Promise<void> {
    for (const [name, tensor] of await this.executor.run(batch.inputs, fetches)) {
      const held = this.statistics.get(name) ?? new GrowingStatistics();
      this.statistics.set(name, held);
      held.add(tensor, batch.size, this.needs);
    }
  }

  async finish(into: Map<string, GrowingStatistics>): Promise<void> {
    for (const [name, held] of this.statistics) {
      const found = into.get(name);
      if (found === undefined) into.set(name, held);
      else found.merge(held);
    }
  }
}
