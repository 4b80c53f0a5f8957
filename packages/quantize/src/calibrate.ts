import {
  BitwrightError,
  type Diagnostic,
  floatData,
  quantGrid,
  rangeToQParams,
  type Tensor,
} from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import { emitBytes } from '@bitwright/emit';
import {
  type GraphModule,
  isDeQuantStub,
  isQuantizer,
  quantAttributes,
  quantSpecOf,
  setQParams,
} from '@bitwright/graph';
import { batchSizeFor, type Executor, type OpenExecutor } from '@bitwright/runtime';
import { FloatHistogram } from './observers/float-histogram.js';
import type { GridChoice, Observer, TensorStatistics } from './observers/observer.js';
import type { ObserverGroup, PreparedModel } from './prepare.js';
import type { CalibratedRange, CalibratedRanges } from './ranges.js';

/** What calibration works with. */
export interface CalibrateOptions {
  readonly open: OpenExecutor;
  readonly data: SampleSource;
  readonly observer: Observer;
  /** Bytes of activations that may be held at a time. */
  readonly memory: number;
  readonly onProgress?: (done: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
}

/** What calibration found, besides the parameters that it set on the quantizers. */
export interface Calibration {
  readonly ranges: CalibratedRanges;
  readonly samples: number;
  readonly diagnostics: readonly Diagnostic[];
}

const MOVING_AVERAGE_CONSTANT = 0.01;
// small enough that a batch's activations stay near the caches; larger ones cost memory and gain no time
const LARGEST_BATCH = 8;

/**
 * Runs the float model over the data once, observes every quantized tensor, and gives each quantizer its scale and zero
 * point. Holds one batch of activations at a time, within the memory given; where one sample's tensors pass it, they are
 * fetched in groups over several passes.
 *
 * @throws CALIBRATION_NO_SAMPLES, CALIBRATION_NOT_FINITE naming the tensor, and whatever the runtime says.
 */
export async function calibrate(prepared: PreparedModel, options: CalibrateOptions): Promise<Calibration> {
  const observed = prepared.groups.filter(
    (group) => group.constant === undefined && group.fixedRange === undefined,
  );
  const statistics = new Map<string, Statistics>();
  let samples = 0;
  if (observed.length > 0) {
    const tensors = [...new Set(observed.map((group) => group.root.name))];
    const executor = await openObservedModel(prepared.module, tensors, options.open);
    try {
      samples = await observe(executor, tensors, statistics, options);
    } finally {
      await executor.release();
    }
    if (samples === 0) {
      throw new BitwrightError({
        code: 'CALIBRATION_NO_SAMPLES',
        message: `The calibration data '${options.data.name}' holds no samples.`,
        hint: 'Check its file list, "skip" and "take".',
        at: { file: options.data.name },
      });
    }
  }
  const ranges = new Map<string, CalibratedRange>();
  const diagnostics: Diagnostic[] = [];
  for (const group of prepared.groups) {
    const found = statistics.get(group.root.name) ?? constantStatistics(group);
    if (found !== undefined && !found.isFloat) {
      diagnostics.push(dropGroup(prepared, group, found.dtype));
      continue;
    }
    const range = rangeOf(group, found, options.observer, diagnostics);
    applyRange(group, range);
    ranges.set(group.tensor, range);
  }
  return {
    ranges: { observer: options.observer.name, samples, tensors: Object.fromEntries(ranges) },
    samples,
    diagnostics,
  };
}

/** Gives the quantizers the parameters of an earlier calibration. @throws RANGES_MISSING naming a tensor without range. */
export function applyRanges(prepared: PreparedModel, ranges: CalibratedRanges): void {
  for (const group of prepared.groups) {
    const saved = ranges.tensors[group.tensor];
    if (saved === undefined) {
      throw new BitwrightError({
        code: 'RANGES_MISSING',
        message: `The saved ranges have none for the tensor '${group.tensor}'.`,
        hint: 'Save them from the same model, scheme and backend, or calibrate again with --data.',
        at: { value: group.tensor },
      });
    }
    applyRange(group, requantized(group, saved));
  }
}

function requantized(group: ObserverGroup, saved: CalibratedRange): CalibratedRange {
  const found = rangeOnGrid(group, saved);
  const sameGrid = saved.quantMin === found.quantMin && saved.quantMax === found.quantMax;
  return sameGrid && !group.config.powerOfTwo ? saved : found;
}

/** The statistics of one tensor while they grow. */
class Statistics implements TensorStatistics {
  readonly histogram = new FloatHistogram();
  isFloat = true;
  dtype = 'float';
  movingMin = 0;
  movingMax = 0;
  #seen = false;

  add(tensor: Tensor, samples: number, perSample: boolean): void {
    this.dtype = tensor.dtype;
    this.isFloat = tensor.dtype === 'float';
    if (!this.isFloat) return;
    const data = floatData(tensor);
    this.histogram.add(data);
    if (!perSample) return;
    // a tensor that does not grow with the batch belongs to all of its samples
    const size = data.length % samples === 0 ? data.length / samples : data.length;
    for (let start = 0; start < data.length; start += size) this.#move(data.subarray(start, start + size));
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
  return open(emitBytes(copy, { external: 'inline' }), { name: 'the float model' });
}

async function observe(
  executor: Executor,
  tensors: readonly string[],
  statistics: Map<string, Statistics>,
  options: CalibrateOptions,
): Promise<number> {
  const perSample = options.observer.perSample === true;
  const sizes = await bytesPerSample(executor, tensors, options.data);
  if (sizes.size === 0) return 0;
  const { batchSize, groups } = planFetches(executor, sizes, options.memory);
  const total = options.data.count === undefined ? undefined : options.data.count * groups.length;
  let samples = 0;
  for (const fetches of groups) {
    for await (const batch of options.data.batches(batchSize)) {
      options.signal?.throwIfAborted();
      for (const [name, tensor] of await executor.run(batch.inputs, fetches)) {
        const held = statistics.get(name) ?? new Statistics();
        statistics.set(name, held);
        held.add(tensor, batch.size, perSample);
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

function constantStatistics(group: ObserverGroup): Statistics | undefined {
  if (group.constant === undefined) return undefined;
  const statistics = new Statistics();
  statistics.add(group.constant, 1, true);
  return statistics;
}

function gridChoice(group: ObserverGroup, min: number): GridChoice {
  const { config } = group;
  const symmetric = config.symmetricActivations && min < 0;
  return { grid: quantGrid(config.activations, symmetric), symmetric, powerOfTwo: config.powerOfTwo };
}

function rangeOf(
  group: ObserverGroup,
  statistics: Statistics | undefined,
  observer: Observer,
  diagnostics: Diagnostic[],
): CalibratedRange {
  if (group.fixedRange !== undefined || statistics === undefined)
    return rangeOnGrid(group, { min: 0, max: group.fixedRange ?? 1, low: 0, high: group.fixedRange ?? 1 });
  const { histogram } = statistics;
  histogram.assertFinite(group.tensor);
  const { min, max } = histogram;
  if (min === 0 && max === 0) {
    diagnostics.push({
      code: 'CALIBRATION_ALL_ZERO',
      severity: 'warning',
      message: `The tensor '${group.tensor}' was zero for every calibration sample; its scale is 1.`,
      hint: 'Check that the calibration data is like the real data.',
      at: { value: group.tensor },
    });
    return rangeOnGrid(group, { min: 0, max: 0, low: 0, high: 0 });
  }
  const { low, high } = observer.range(statistics, gridChoice(group, min));
  return rangeOnGrid(group, { min, max, low, high });
}

/** A range with the parameters that it leads to: fixed ones where the operator's result has a fixed range, scale 1 where all was zero. */
function rangeOnGrid(
  group: ObserverGroup,
  found: Pick<CalibratedRange, 'min' | 'max' | 'low' | 'high'>,
): CalibratedRange {
  const { min, max, low, high } = found;
  if (group.fixedRange !== undefined) {
    const grid = quantGrid(group.config.activations, false);
    return { min, max, low, high, scale: group.fixedRange / (grid.quantMax + 1), zeroPoint: 0, ...grid };
  }
  const choice = gridChoice(group, min);
  const qparams =
    min === 0 && max === 0 ? { scale: 1, zeroPoint: 0 } : rangeToQParams(low, high, choice.grid, choice);
  return { min, max, low, high, ...qparams, ...choice.grid };
}

function applyRange(group: ObserverGroup, range: CalibratedRange): void {
  for (const node of group.quantizers) {
    const { bits, signed, quantMin, quantMax } = range;
    node.attributes = quantAttributes({ ...quantSpecOf(node), bits, signed, quantMin, quantMax }).with({
      tensor: node.attributes.string('tensor', ''),
    });
    setQParams(node, { scale: Float32Array.of(range.scale), zeroPoint: Int32Array.of(range.zeroPoint) });
  }
}

/** Takes the quantizers of a tensor out again that turned out not to be float. */
function dropGroup(prepared: PreparedModel, group: ObserverGroup, dtype: string): Diagnostic {
  const { graph } = prepared.module;
  for (const node of group.quantizers) {
    node.output.replaceAllUsesWith(node.inputs[0]!);
    graph.eraseNode(node);
  }
  group.quantizers.length = 0;
  return {
    code: 'QUANTIZER_NOT_FLOAT',
    severity: 'info',
    message: `The tensor '${group.tensor}' holds ${dtype} values, so it is not quantized.`,
    at: { value: group.tensor },
  };
}
