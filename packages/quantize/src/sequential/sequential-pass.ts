import { type Diagnostic, floatData, type Tensor } from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import type { Dim, Value } from '@bitwright/graph';
import { batchSizeFor, type OpenExecutor } from '@bitwright/runtime';
import { applyRange, applySavedRange, type Calibration, decideGroup } from '../calibrate.js';
import type { LayerCorrections } from '../correct/correct-layer.js';
import type { CorrectionOutcome } from '../correct/correction.js';
import { decidesClasses, decisionRange } from '../decision-range.js';
import { GrowingStatistics } from '../growing-statistics.js';
import { noSamples } from '../no-samples.js';
import { groupStatistics, observeModel } from '../observe.js';
import type { Observer } from '../observers/observer.js';
import type { ObserverGroup, PreparedLayer, PreparedModel } from '../prepare.js';
import type { CalibratedRange, CalibratedRanges } from '../ranges.js';
import type { Recipe } from '../recipes.js';
import { nearestRounding } from '../rounding/nearest.js';
import type { DataFreeRounding } from '../rounding/rounding-algorithm.js';
import { ActivationStore, type Side, type SpillSpace } from './activation-store.js';
import { outputAwareRange } from './output-aware.js';
import { type Reach, reachFrom, readsOf } from './reach.js';
import { roundLayer } from './round-layer.js';
import { runStored, type StoredSource } from './run-stored.js';
import { RuntimeProduct } from './runtime-product.js';
import { NetworkPair, type SegmentInput } from './segment.js';

/** What the sequential pass works with. */
export interface SequentialOptions {
  readonly open: OpenExecutor;
  readonly openSpill: () => SpillSpace;
  readonly data: SampleSource;
  readonly observer: Observer;
  /** Ranges of an earlier calibration, to be used instead of observing. */
  readonly ranges?: CalibratedRanges;
  readonly weightSearch: 'mse' | 'min-max';
  readonly recipe: Recipe;
  /** How weights are rounded where the recipe does not say it; to their nearest codes by default. */
  readonly rounding?: DataFreeRounding | undefined;
  /** In place of the recipe's. */
  readonly corrections?: LayerCorrections | undefined;
  /** Bytes of activations that may be held in memory; more goes to the spill space. */
  readonly memory: number;
  /** Counts decided grids and layers. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** What the pass found, and what became of each correction. */
export interface SequentialResult extends Calibration {
  readonly corrections: readonly CorrectionOutcome[];
}

/** Samples in a chunk, at most: fixed, so that sums have the same order whatever the memory. */
const LARGEST_CHUNK = 64;
const INPUT_FLOATS_OF_A_CHUNK = 2 ** 20;
// the runtime's matrix products depend in the last bit on how many threads share them, so their number is the same on every machine
const THREADS = 2;

/**
 * Calibrates and rounds layer by layer, each with inputs from the network that is quantized up to it, in place.
 *
 * The network is cut where it has got to. The values of one cut, float and quantized, are stored; from them follow the
 * ranges and the statistics of what comes next, and then the values of the next cut. No part is run from the beginning.
 *
 * @throws CALIBRATION_NO_SAMPLES, CALIBRATION_NOT_FINITE naming the tensor, and whatever the runtime says.
 */
export async function quantizeSequentially(
  prepared: PreparedModel,
  options: SequentialOptions,
): Promise<SequentialResult> {
  const open: OpenExecutor = (bytes, how) => options.open(bytes, { ...how, threads: THREADS });
  const pass = new SequentialPass(prepared, { ...options, open });
  try {
    return await pass.run();
  } finally {
    await pass.close();
  }
}

class SequentialPass {
  readonly #store: ActivationStore;
  readonly #networks: NetworkPair;
  readonly #product: RuntimeProduct;
  readonly #observations = new Map<Value, GrowingStatistics>();
  readonly #ranges = new Map<string, CalibratedRange>();
  readonly #diagnostics: Diagnostic[] = [];
  readonly #groups: Set<ObserverGroup>;
  readonly #layers: Set<PreparedLayer>;
  readonly #corrections: LayerCorrections;
  readonly #total: number;
  #cut = new Set<Value>();
  #touched: ReadonlySet<Value> = new Set();
  #samples = 0;

  constructor(
    private readonly prepared: PreparedModel,
    private readonly options: SequentialOptions,
  ) {
    this.#store = new ActivationStore(options.memory / 2, options.openSpill);
    this.#product = new RuntimeProduct(options.open);
    this.#networks = new NetworkPair(prepared.module);
    this.#groups = new Set(prepared.groups);
    this.#layers = new Set(prepared.layers.filter((layer) => layer.weightQuantizer !== undefined));
    this.#corrections = options.corrections ?? {
      corrections: options.recipe.corrections,
      expected: new Map(),
      outcomes: [],
    };
    this.#total = this.#groups.size + this.#layers.size;
  }

  async close(): Promise<void> {
    this.#store.close();
    await this.#product.release();
  }

  async run(): Promise<SequentialResult> {
    await this.#load();
    await this.#decideTogether();
    while (this.#groups.size + this.#layers.size > 0) {
      const left = this.#groups.size + this.#layers.size;
      await this.#decideGroups();
      await this.#decideLayers();
      await this.#advance();
      if (this.#groups.size + this.#layers.size === left && !this.#canDecide()) break;
    }
    for (const group of this.#groups) await this.#decide(group, undefined);
    this.prepared.module.graph.eliminateDeadCode();
    return {
      ranges: {
        observer: this.options.observer.name,
        samples: this.#samples,
        tensors: Object.fromEntries(this.#ranges),
      },
      samples: this.#samples,
      diagnostics: this.#diagnostics,
      corrections: this.#corrections.outcomes,
    };
  }

  /**
   * Decides the grids that several tensors must share, from the float network alone: one of the tensors may lie behind a
   * quantizer that waits for another.
   */
  async #decideTogether(): Promise<void> {
    const groups = [...this.#groups].filter(({ roots }) => roots.length > 1);
    if (groups.length === 0) return;
    const { observer, onProgress: _, ...options } = this.options;
    const observed = await observeModel({ ...this.prepared, groups }, { ...options, needs: observer.needs });
    for (const group of groups) await this.#decide(group, groupStatistics(group, observed.tensors));
  }

  /** Reads the samples into the first cut. */
  async #load(): Promise<void> {
    const { graph } = this.prepared.module;
    const specs = graph.placeholders.map(({ output }) => ({
      name: output.name,
      dtype: output.dtype ?? ('float' as const),
      shape: output.shape?.map((dim) => (typeof dim === 'number' ? dim : undefined)),
    }));
    const largest = Math.max(1, Math.floor((batchSizeFor(specs) * INPUT_FLOATS_OF_A_CHUNK) / 2 ** 21));
    for await (const batch of this.options.data.batches(Math.min(LARGEST_CHUNK, largest))) {
      this.options.signal?.throwIfAborted();
      for (const { output } of graph.placeholders) {
        const tensor = batch.inputs.get(output.name);
        if (tensor !== undefined) this.#keep('float', output, tensor, batch.size);
      }
      this.#samples += batch.size;
    }
    if (this.#samples === 0) throw noSamples(this.options.data.name);
    for (const { output } of graph.placeholders)
      if (this.#store.has('float', output.name)) this.#cut.add(output);
  }

  /** Stores a chunk, and shows it to the observers that wait for it. */
  #keep(side: Side, value: Value, tensor: Tensor, samples: number): void {
    this.#store.append(side, value.name, tensor);
    if (side === 'float' && this.#touched.has(value)) return;
    if (![...this.#groups].some(({ root }) => root === value)) return;
    const held = this.#observations.get(value) ?? new GrowingStatistics();
    this.#observations.set(value, held);
    held.add(tensor, samples, this.options.observer.needs);
  }

  #canDecide(): boolean {
    return (
      [...this.#groups].some((group) => this.#isObserved(group)) ||
      [...this.#layers].some((layer) => this.#reach().known.has(layer.anchor.inputs[0]!))
    );
  }

  #isObserved({ root, constant, fixedRange }: ObserverGroup): boolean {
    if (this.options.ranges !== undefined) return true;
    return constant !== undefined || fixedRange !== undefined || this.#observations.has(root);
  }

  async #decideGroups(): Promise<void> {
    for (const group of this.#groups) {
      if (this.#isObserved(group)) await this.#decide(group, this.#observations.get(group.root));
    }
    for (const root of this.#observations.keys())
      if (![...this.#groups].some((group) => group.root === root)) this.#observations.delete(root);
  }

  async #decide(group: ObserverGroup, observation: GrowingStatistics | undefined): Promise<void> {
    const { observer, ranges } = this.options;
    let range =
      ranges === undefined
        ? decideGroup(this.prepared, group, observation, observer, this.#diagnostics)
        : applySavedRange(group, ranges);
    if (range !== undefined && ranges === undefined) range = await this.#refine(group, range);
    if (range !== undefined) this.#ranges.set(group.tensor, range);
    this.#groups.delete(group);
    this.#report();
  }

  /** The range by what it is for, where that is known: the classes that it tells apart, or the outputs of the layers that read it. */
  async #refine(group: ObserverGroup, range: CalibratedRange): Promise<CalibratedRange> {
    const { root, roots, quantizers } = group;
    const decided = this.#decideClasses(group, range);
    if (this.options.observer.refines === undefined || roots.length > 1 || !this.#cut.has(root))
      return decided;
    const made = new Set(quantizers.map((node) => node.output));
    const readers = [...this.#layers].filter(({ anchor }) => made.has(anchor.inputs[0]!));
    return outputAwareRange(group, readers, decided, this.#sourceOf([root]));
  }

  /** The range of class scores, by the classes that it tells apart. */
  #decideClasses(group: ObserverGroup, range: CalibratedRange): CalibratedRange {
    const { name } = group.root;
    if (!this.options.recipe.decisions || !this.#store.has('float', name)) return range;
    const { dims } = this.#store.shapes(name);
    if (!decidesClasses(group, dims[0]!)) return range;
    const rows = (side: Side): Float32Array =>
      joined(dims.map((_, chunk) => floatData(this.#store.get(side, name, chunk))));
    const scores = { float: rows('float'), quantized: rows('quantized'), classes: dims[0]![1]! };
    const refined = decisionRange(group, scores, range);
    applyRange(group, refined);
    return refined;
  }

  async #decideLayers(): Promise<void> {
    const { known } = this.#reach();
    for (const layer of this.#layers) {
      if (!known.has(layer.anchor.inputs[0]!)) continue;
      const { recipe, weightSearch, rounding = nearestRounding } = this.options;
      await roundLayer(layer, {
        recipe,
        rounding,
        corrections: this.#corrections,
        weightSearch,
        tools: { product: this.#product },
        diagnostics: this.#diagnostics,
        source: this.#sourceOf([layer.anchor.inputs[0]!]),
      });
      this.#layers.delete(layer);
      this.#report();
    }
  }

  /** Runs both networks on to where the decisions that have been made let them, and forgets what lies behind. */
  async #advance(): Promise<void> {
    const reach = this.#reach();
    const fresh = reach.needed.filter((value) => !this.#cut.has(value));
    this.#touched = reach.touched;
    if (fresh.length > 0) {
      await this.#run('float', fresh);
      const changed = fresh.filter((value) => reach.touched.has(value));
      if (changed.length > 0) await this.#run('quantized', changed);
    }
    const next = new Set(reach.needed);
    for (const value of this.#cut) if (!next.has(value)) this.#store.delete(value.name);
    this.#cut = next;
  }

  async #run(side: Side, wanted: readonly Value[]): Promise<void> {
    const source = this.#sourceOf(wanted);
    for await (const { tensors, samples } of runStored(source, side, wanted, `the ${side} network`))
      for (const [i, value] of wanted.entries()) this.#keep(side, value, tensors[i]!, samples);
  }

  #sourceOf(wanted: readonly Value[]): StoredSource {
    const { open, signal } = this.options;
    const cut = this.#inputsFor(wanted);
    return { networks: this.#networks, store: this.#store, open, cut, ...(signal && { signal }) };
  }

  /** The stored values that `wanted` depend on, with their shapes. */
  #inputsFor(wanted: readonly Value[]): SegmentInput[] {
    const inputs = new Set<Value>();
    const seen = new Set<Value>();
    const stack = [...wanted];
    for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
      if (seen.has(value)) continue;
      seen.add(value);
      if (this.#cut.has(value)) inputs.add(value);
      else if (value.producer.kind === 'op') stack.push(...readsOf(value.producer));
    }
    return [...inputs].map((value) => {
      const { dtype, dims } = this.#store.shapes(value.name);
      return { value, dtype, shape: commonShape(dims) };
    });
  }

  #reach(): Reach {
    return reachFrom(this.prepared.module.graph, this.#cut, this.#touched);
  }

  #report(): void {
    this.options.onProgress?.(this.#total - this.#groups.size - this.#layers.size, this.#total);
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Sizes that all chunks have in common; the others stay open, and so does the first, along which chunks are split. */
function commonShape(dims: readonly (readonly number[])[]): Dim[] {
  const [first = []] = dims;
  return first.map((size, axis) =>
    axis > 0 && dims.every((chunk) => chunk[axis] === size) ? size : undefined,
  );
}
