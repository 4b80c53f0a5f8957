import { DenseTensor, elementCount, type Tensor } from '@bitwright/core';
import type { InputSpec } from '@bitwright/data';
import type { Executor, OpenExecutor } from '@bitwright/runtime';
import type { NoiseFeed } from '../analog/noise-feed.js';
import { type AccumulatorRecord, newRecord, overflowError } from '../interpreter/accumulator-record.js';
import { interpret } from '../interpreter/interpret.js';
import type { IntegerNetwork } from '../network/integer-network.js';
import { type EmittedNetwork, emitNetwork, noiseFor, notEmittable } from '../onnx/emit-network.js';

/** The shapes of one sample of the tensors that noise is added to, by the layer's output. */
export type SampleShapes = ReadonlyMap<
  string,
  { readonly inputs: readonly number[]; readonly sum: readonly number[] }
>;

/** How a network is run. */
export interface SimulatedOptions {
  readonly open: OpenExecutor;
  /** The noise of this run; absent for silent or digital hardware. */
  readonly feed?: NoiseFeed;
  /** Needed with a feed. */
  readonly shapes?: SampleShapes;
  /** Accumulator statistics are gathered, at a small cost. */
  readonly statistics?: boolean;
}

/** An integer network that runs like a model: samples are counted on from the first, since each has noise of its own. */
export interface SimulatedExecutor extends Executor {
  readonly engine: 'onnx' | 'interpreter';
  readonly records: ReadonlyMap<string, AccumulatorRecord>;
}

/**
 * Opens an integer network: in ONNX Runtime where it can be written in ONNX operators, else in the interpreter.
 *
 * @throws SIMULATE_OVERFLOW while running, where overflow is an error.
 */
export async function openSimulated(
  network: IntegerNetwork,
  options: SimulatedOptions,
): Promise<SimulatedExecutor> {
  if (notEmittable(network) !== undefined) return new Interpreted(network, options.feed);
  const observe = options.statistics === false ? [] : (['statistics'] as const);
  const emitted = emitNetwork(network, { observe, ...(options.feed && { feed: options.feed }) });
  const executor = await options.open(emitted.bytes, {
    name: 'the emitted integer model',
    idleThreadsSleep: true,
  });
  return new Emitted(network, emitted, executor, options);
}

/**
 * The inputs of a batch together with the noise that an emitted model is fed; `first` is the index of its first sample.
 *
 * @param held the noise of the batch before, whose memory is used again: fresh memory costs more than the noise in it.
 */
export function withNoise(
  emitted: EmittedNetwork,
  feed: NoiseFeed | undefined,
  inputs: ReadonlyMap<string, Tensor>,
  first: number,
  shapes: SampleShapes | undefined,
  held: Map<string, Float32Array>,
): Map<string, Tensor> {
  const feeds = new Map(inputs);
  const [any] = inputs.values();
  const count = any!.dims[0]!;
  for (const { name, step, what } of emitted.noise) {
    const shape = shapes!.get(step.output)![what.place];
    const into = held.get(name);
    const samples = { first, count, size: elementCount(shape), ...(into && { into }) };
    const noise = noiseFor(feed!, step, what, samples)!;
    held.set(name, noise);
    feeds.set(name, new DenseTensor('float', [count, ...shape], noise));
  }
  return feeds;
}

class Emitted implements SimulatedExecutor {
  readonly engine = 'onnx';
  readonly inputs: readonly InputSpec[];
  readonly outputNames: readonly string[];
  readonly records = new Map<string, AccumulatorRecord>();
  readonly #extra: readonly string[];
  readonly #noise = new Map<string, Float32Array>();
  #first = 0;

  constructor(
    private readonly network: IntegerNetwork,
    private readonly emitted: EmittedNetwork,
    private readonly executor: Executor,
    private readonly options: SimulatedOptions,
  ) {
    this.inputs = network.inputs;
    this.outputNames = network.outputs.map(({ name }) => name);
    this.#extra = [...emitted.observed.values()].flatMap((names) => Object.values(names) as string[]);
    for (const output of emitted.observed.keys()) this.records.set(output, newRecord());
  }

  async run(
    feeds: ReadonlyMap<string, Tensor>,
    fetches: readonly string[] = this.outputNames,
  ): Promise<Map<string, Tensor>> {
    const { feed, shapes } = this.options;
    const all = withNoise(this.emitted, feed, feeds, this.#first, shapes, this.#noise);
    this.#first += [...feeds.values()][0]!.dims[0]!;
    const results = await this.executor.run(all, [...fetches, ...this.#extra]);
    for (const step of this.network.steps) this.#note(step.output, step.name, results, step);
    return new Map(fetches.map((name) => [name, results.get(name)!]));
  }

  async release(): Promise<void> {
    await this.executor.release();
  }

  #note(
    output: string,
    name: string,
    results: ReadonlyMap<string, Tensor>,
    step: IntegerNetwork['steps'][number],
  ): void {
    const names = this.emitted.observed.get(output);
    if (names === undefined) return;
    const record = this.records.get(output)!;
    const number = (key: string | undefined): number | undefined =>
      key === undefined ? undefined : Number(results.get(key)!.data()[0]);
    record.low = Math.min(record.low, number(names.least) ?? 0);
    record.high = Math.max(record.high, number(names.most) ?? 0);
    const overflows = number(names.overflows) ?? 0;
    record.overflows += overflows;
    if (overflows > 0 && 'hardware' in step && step.hardware.accumulator.overflow === 'error')
      throw overflowError(name, undefined, step.hardware.accumulator.bits);
  }
}

class Interpreted implements SimulatedExecutor {
  readonly engine = 'interpreter';
  readonly inputs: readonly InputSpec[];
  readonly outputNames: readonly string[];
  readonly records = new Map<string, AccumulatorRecord>();
  #first = 0;

  constructor(
    private readonly network: IntegerNetwork,
    private readonly feed: NoiseFeed | undefined,
  ) {
    this.inputs = network.inputs;
    this.outputNames = network.outputs.map(({ name }) => name);
  }

  async run(
    feeds: ReadonlyMap<string, Tensor>,
    fetches: readonly string[] = this.outputNames,
  ): Promise<Map<string, Tensor>> {
    // all of it is this thread's own work: without a pause nobody could interrupt it
    await new Promise((resolve) => setTimeout(resolve, 0));
    const inputs = new Map(
      [...feeds].map(([name, tensor]) => [name, { dims: tensor.dims, data: tensor.data() as Float32Array }]),
    );
    const [first] = feeds.values();
    const run = interpret(this.network, inputs, { feed: this.feed, first: this.#first });
    this.#first += first!.dims[0]!;
    for (const [output, seen] of run.records) {
      const record = this.records.get(output) ?? newRecord();
      this.records.set(output, record);
      record.low = Math.min(record.low, seen.low);
      record.high = Math.max(record.high, seen.high);
      record.overflows += seen.overflows;
      record.checks += seen.checks;
    }
    const results = fetches.map((name): [string, Tensor] => {
      const { value } = this.network.outputs.find((output) => output.name === name)!;
      const { dims, data } = run.values.get(value)!;
      return [name, new DenseTensor('float', dims, data)];
    });
    return new Map(results);
  }

  release(): Promise<void> {
    return Promise.resolve();
  }
}
