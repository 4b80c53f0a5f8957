import type { SampleSource } from '@bitwright/data';
import { emitBytes } from '@bitwright/emit';
import { constantTensor, type GraphModule, isDeQuantStub, isQuantizer } from '@bitwright/graph';
import { batchSizeFor, type Executor, type ExecutorOptions, type OpenExecutor } from '@bitwright/runtime';
import { GrowingStatistics } from './growing-statistics.js';
import { noSamples } from './no-samples.js';
import { LocalShard, type ObservationHelpers, type ObservationShard } from './observation-shard.js';
import type { SampleStatistic } from './observers/observer.js';
import type { ObserverGroup, PreparedModel } from './prepare.js';

/** What observing works with. */
export interface ObserveOptions {
  readonly open: OpenExecutor;
  readonly data: SampleSource;
  /** What the observer reads besides the histogram. */
  readonly needs?: SampleStatistic | undefined;
  /** Bytes of activations that may be held at a time. */
  readonly memory: number;
  /** Threads that share the work where the order of the samples does not matter. */
  readonly helpers?: ObservationHelpers | undefined;
  readonly onProgress?: (done: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
}

/** What the float model's tensors held over the calibration data: good for any width of the same model and table. */
export interface Observations {
  readonly samples: number;
  /** By the name of the observed value. */
  readonly tensors: ReadonlyMap<string, GrowingStatistics>;
}

/** How the float model calls itself in messages. */
export const FLOAT_MODEL_NAME = 'the float model';

/** How every shard runs it: one thread each, which wastes nothing on waiting, and the same results for any number of shards. */
export const FLOAT_MODEL_SESSION: ExecutorOptions = { threads: 1, idleThreadsSleep: true };

// small enough that a batch's activations stay near the caches; larger ones cost memory and gain no time
const LARGEST_BATCH = 4;

/**
 * Runs the float model over the data once and observes every tensor that a quantizer waits for. Holds one batch of
 * activations at a time, within the memory given; where one sample's tensors pass it, they are fetched in groups over
 * several passes.
 *
 * @throws CALIBRATION_NO_SAMPLES, and whatever the runtime says.
 */
export async function observeModel(prepared: PreparedModel, options: ObserveOptions): Promise<Observations> {
  const observed = prepared.groups
    .filter((group) => group.fixedRange === undefined)
    .flatMap((group) => group.roots.filter((root) => constantTensor(root) === undefined));
  const statistics = new Map<string, GrowingStatistics>();
  if (observed.length === 0) return { samples: 0, tensors: statistics };
  const tensors = [...new Set(observed.map((root) => root.name))];
  const model = observedModel(prepared.module, tensors);
  // what depends on the order of the samples is counted in one place
  const shared = options.needs === undefined ? options.helpers : undefined;
  const helpers = shared?.open(model) ?? [];
  const session = shared === undefined ? { idleThreadsSleep: true } : FLOAT_MODEL_SESSION;
  const executor = await options.open(model, { ...session, name: FLOAT_MODEL_NAME });
  const local = new LocalShard(executor, options.needs);
  let samples = 0;
  try {
    samples = await observe(executor, tensors, [local, ...helpers], options);
    for (const shard of [local, ...helpers]) await shard.finish(statistics);
  } finally {
    await executor.release();
  }
  if (samples > 0) return { samples, tensors: statistics };
  throw noSamples(options.data.name);
}

/**
 * What a group's grid must hold: the statistics of its tensor, or those of all tensors that are on one grid, constants too.
 *
 * @param tensors by name; @returns undefined where nothing was observed (a fixed range).
 */
export function groupStatistics(
  group: ObserverGroup,
  tensors: ReadonlyMap<string, GrowingStatistics>,
): GrowingStatistics | undefined {
  const found = group.roots.flatMap((root) => {
    const constant = constantTensor(root);
    if (constant === undefined) return tensors.get(root.name) ?? [];
    const statistics = new GrowingStatistics();
    statistics.add(constant, 1, 'moving-range', 'torch-histogram');
    return [statistics];
  });
  if (found.length < 2) return found[0];
  const merged = new GrowingStatistics();
  for (const statistics of found) merged.merge(statistics);
  return merged;
}

/** The float model without quantizers, with the tensors as its outputs. */
function observedModel(module: GraphModule, tensors: readonly string[]): Uint8Array {
  const copy = module.clone();
  const { graph } = copy;
  for (const node of [...graph.ops()]) {
    if (!isQuantizer(node) && !isDeQuantStub(node)) continue;
    node.output.replaceAllUsesWith(node.inputs[0]!);
    graph.eraseNode(node);
  }
  graph.setOutputs(tensors.map((name) => graph.findValue(name)!));
  graph.eliminateDeadCode();
  copy.opsets.delete('ai.bitwright');
  return emitBytes(copy, { external: 'inline' });
}

/** @returns the number of samples; all shards have counted theirs then, each as many as it could take. */
async function observe(
  executor: Executor,
  tensors: readonly string[],
  shards: readonly ObservationShard[],
  options: ObserveOptions,
): Promise<number> {
  const sizes = await bytesPerSample(executor, tensors, options.data);
  if (sizes.size === 0) return 0;
  const { batchSize, groups } = planFetches(executor, sizes, options.memory / shards.length);
  const total = options.data.count === undefined ? undefined : options.data.count * groups.length;
  let samples = 0;
  for (const fetches of groups) {
    const batches = options.data.batches(batchSize)[Symbol.asyncIterator]();
    let failed = false;
    const take = async (shard: ObservationShard): Promise<void> => {
      while (!failed) {
        const { done, value: batch } = await batches.next();
        if (done === true) return;
        options.signal?.throwIfAborted();
        await shard.observe(batch, fetches);
        samples += batch.size;
        options.onProgress?.(samples, total);
      }
    };
    const takers = shards.flatMap((shard) => Array.from({ length: shard.depth }, () => take(shard)));
    const stopOthers = (): void => {
      failed = true;
    };
    for (const taker of takers) taker.catch(stopOthers);
    await Promise.all(takers);
  }
  return samples / groups.length;
}

async function bytesPerSample(
  executor: Executor,
  tensors: readonly string[],
  data: SampleSource,
): Promise<Map<string, number>> {
  for await (const batch of data.batches(1)) {
    const results = await executor.run(batch.inputs, tensors);
    return new Map([...results].map(([name, tensor]) => [name, (tensor.data().length * 4) / batch.size]));
  }
  return new Map();
}

/** How many samples go into a run, and which tensors are fetched in which pass, so that one run's activations stay in the memory given. */
function planFetches(
  executor: Executor,
  sizes: ReadonlyMap<string, number>,
  memory: number,
): { batchSize: number; groups: string[][] } {
  let all = 0;
  for (const size of sizes.values()) all += size;
  // the runtime holds about as much again as it hands over
  const room = memory / 8;
  const batchSize = Math.max(
    1,
    Math.min(batchSizeFor(executor.inputs), LARGEST_BATCH, Math.floor(room / all)),
  );
  const groups: string[][] = [];
  let filled = Number.POSITIVE_INFINITY;
  for (const [name, size] of sizes) {
    if (filled + size > memory / 2) {
      groups.push([]);
      filled = 0;
    }
    groups.at(-1)!.push(name);
    filled += size;
  }
  return { batchSize, groups };
}
