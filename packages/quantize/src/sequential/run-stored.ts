import type { Tensor } from '@bitwright/core';
import type { Value } from '@bitwright/graph';
import type { OpenExecutor } from '@bitwright/runtime';
import type { ActivationStore, Side } from './activation-store.js';
import { type NetworkPair, type SegmentInput, segmentBytes } from './segment.js';

/** The two networks, and the stored values of a cut that a part of them is run from. */
export interface StoredSource {
  readonly networks: NetworkPair;
  readonly store: ActivationStore;
  readonly open: OpenExecutor;
  readonly cut: readonly SegmentInput[];
  readonly signal?: AbortSignal;
}

/** The values of a cut in one chunk, by name. */
export function storedFeeds({ cut, store }: StoredSource, side: Side, chunk: number): Map<string, Tensor> {
  return new Map(cut.map(({ value: { name } }) => [name, store.get(side, name, chunk)]));
}

/** What a part of a network gives for a chunk of samples: tensors in the order that was asked for. */
export interface StoredResults {
  readonly tensors: readonly Tensor[];
  readonly samples: number;
}

/**
 * Runs one side of the network from a cut on, chunk by chunk; a caller that has seen enough stops asking.
 *
 * @param name what errors call the part.
 */
export async function* runStored(
  source: StoredSource,
  side: Side,
  wanted: readonly Value[],
  name: string,
): AsyncGenerator<StoredResults> {
  const { networks, store, open, cut, signal } = source;
  const segment = networks.cut(side, cut, wanted);
  const outputs = segment.module.graph.outputs.map((value) => value.name);
  const executor = await open(segmentBytes(segment), { name });
  try {
    const chunks = store.shapes(cut[0]!.value.name).dims.length;
    for (let chunk = 0; chunk < chunks; chunk++) {
      signal?.throwIfAborted();
      const feeds = storedFeeds(source, side, chunk);
      const results = await executor.run(feeds, [...new Set(outputs)]);
      const samples = feeds.values().next().value?.dims[0] ?? 1;
      yield { tensors: outputs.map((output) => results.get(output)!), samples };
    }
  } finally {
    await executor.release();
  }
}
