import { BitwrightError, floatData, type Tensor } from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import { emitBytes } from '@bitwright/emit';
import { constantTensor, type GraphModule, isDeQuantStub, isQuantizer } from '@bitwright/graph';
import { batchSizeFor, type Executor, type OpenExecutor } from '@bitwright/runtime';
import { FloatHistogram } from './observers/float-histogram.js';
import type { SampleStatistic, TensorStatistics } from './observers/observer.js';
import { TorchHistogram } from './observers/torch-histogram.js';
import type { ObserverGroup, PreparedModel } from './prepare.js';

/** What observing works with. */
export interface ObserveOptions {
  readonly open: OpenExecutor;
  readonly data: SampleSource;
  /** What the observer reads besides the histogram. */
  readonly needs?: SampleStatistic | undefined;
  /** Bytes of activations that may be held at a time. */
  readonly memory: number;
  readonly onProgress?: (done: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
}

/** What the float model's tensors held over the calibration data: good for any width of the same model and table. */
export interface Observations {
  readonly samples: number;
  /** By the name of the observed value. */
  readonly tensors: ReadonlyMap<string, GrowingStatistics>;
}

const MOVING_AVERAGE_CONSTANT = 0.01;
// small enough that a batch's activations stay near the caches; larger ones cost memory and gain no time
const LARGEST_BATCH = 8;

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
  const executor = await openObservedModel(prepared.module, tensors, options.open);
  let samples = 0;
  try {
    samples = await observe(executor, tensors, statistics, options);
  } finally {
    await executor.release();
  }
  if (samples > 0) return { samples, tensors: statistics };
  throw new BitwrightError({
    code: 'CALIBRATION_NO_SAMPLES',
    message: `The calibration data '${options.data.name}' holds no samples.`,
    hint: 'Check its file list, "skip" and "take".',
    at: { file: options.data.name },
  });
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

/** The statistics of one tensor, which grow with every batch; they depend on no width, so that all widths can share them. */
export class GrowingStatistics implements TensorStatistics {
  readonly histogram = new FloatHistogram();
  isFloat = true;
  dtype = 'float';
  movingMin = 0;
  movingMax = 0;
  torchHistogram: TorchHistogram | undefined;
  #seen = false;

  /** @param needs what is wanted of each sample besides the histogram of all. */
  add(tensor: Tensor, samples: number, ...needs: readonly (SampleStatistic | undefined)[]): void {
    this.dtype = tensor.dtype;
    this.isFloat = tensor.dtype === 'float';
    if (!this.isFloat) return;
    const data = floatData(tensor);
    this.histogram.add(data);
    if (needs.every((need) => need === undefined)) return;
    // a tensor that does not grow with the batch belongs to all of its samples
    const size = data.length % samples === 0 ? data.length / samples : data.length;
    for (let start = 0; start < data.length; start += size) {
      const sample = data.subarray(start, start + size);
      if (needs.includes('moving-range')) this.#move(sample);
      if (needs.includes('torch-histogram')) this.#torch().add(sample);
    }
  }

  /** Takes in what another tensor held, so that one grid can be chosen for both. */
  merge(other: GrowingStatistics): void {
    this.dtype = other.dtype;
    this.isFloat &&= other.isFloat;
    this.histogram.merge(other.histogram);
    this.movingMin = this.#seen ? Math.min(this.movingMin, other.movingMin) : other.movingMin;
    this.movingMax = this.#seen ? Math.max(this.movingMax, other.movingMax) : other.movingMax;
    this.#seen = true;
    if (other.torchHistogram !== undefined) this.#torch().merge(other.torchHistogram);
  }

  #torch(): TorchHistogram {
    this.torchHistogram ??= new TorchHistogram();
    return this.torchHistogram;
  }

  #move(sample: Float32Array): void {
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    for (const value of sample) {
      if (value < min) min = value;
      if (value > max) max = value;
    }
    const weight = this.#seen ? MOVING_AVERAGE_CONSTANT : 1;
    this.movingMin += weight * (min - this.movingMin);
    this.movingMax += weight * (max - this.movingMax);
    this.#seen = true;
  }
}

async function openObservedModel(
  module: GraphModule,
  tensors: readonly string[],
  open: OpenExecutor,
): Promise<Executor> {
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
  return open(emitBytes(copy, { external: 'inline' }), { name: 'the float model', idleThreadsSleep: true });
}

async function observe(
  executor: Executor,
  tensors: readonly string[],
  statistics: Map<string, GrowingStatistics>,
  options: ObserveOptions,
): Promise<number> {
  const { needs } = options;
  const sizes = await bytesPerSample(executor, tensors, options.data);
  if (sizes.size === 0) return 0;
  const { batchSize, groups } = planFetches(executor, sizes, options.memory);
  const total = options.data.count === undefined ? undefined : options.data.count * groups.length;
  let samples = 0;
  for (const fetches of groups) {
    for await (const batch of options.data.batches(batchSize)) {
      options.signal?.throwIfAborted();
      for (const [name, tensor] of await executor.run(batch.inputs, fetches)) {
        const held = statistics.get(name) ?? new GrowingStatistics();
        statistics.set(name, held);
        held.add(tensor, batch.size, needs);
      }
      samples += batch.size;
      options.onProgress?.(samples, total);
    }
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
