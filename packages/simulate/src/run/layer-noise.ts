import type { Tensor } from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import type { Executor, OpenExecutor } from '@bitwright/runtime';
import type { NoiseSource } from '../analog/analog-dot.js';
import { NoiseFeed } from '../analog/noise-feed.js';
import {
  type AnalogSource,
  resolveAnalog,
  type SeenMagnitudes,
  sourcesOf,
} from '../analog/resolve-analog.js';
import type { DotStep, IntegerNetwork } from '../network/integer-network.js';
import { type EmittedNetwork, emitNetwork, notEmittable } from '../onnx/emit-network.js';
import { cachedBatch } from './cached-batch.js';
import { exactTiles } from './calibrate-ranges.js';
import { type SampleShapes, withNoise } from './simulated-executor.js';

/** What can make a layer's codes differ from those of exact sums. */
export type ErrorSource = AnalogSource | 'overflow' | 'all';

/** The signal-to-noise ratio of each layer's output in decibels, by its source: the layers before it err as well. */
export type LayerNoise = ReadonlyMap<string, Partial<Record<ErrorSource, number>>>;

/** What {@link measureNoise} works on. */
export interface MeasureNoiseOptions {
  readonly open: OpenExecutor;
  readonly data: SampleSource;
  readonly samples: number;
  readonly seed: number;
  readonly seen: ReadonlyMap<string, SeenMagnitudes>;
  readonly shapes: SampleShapes;
  readonly sources: readonly NoiseSource[];
}

/** Measures what each source of error does to each layer's codes, one at a time and together, against exact sums. */
export async function measureNoise(
  network: IntegerNetwork,
  options: MeasureNoiseOptions,
): Promise<LayerNoise> {
  const exact = exactTiles(network);
  const variants = new Map<ErrorSource, IntegerNetwork>();
  const present = sourcesOf(network);
  for (const source of present)
    variants.set(source, resolveAnalog(exact, options.seen, options.sources, source));
  if (notEmittable(network) === undefined) variants.set('overflow', network);
  if (present.length > 0) variants.set('all', resolveAnalog(network, options.seen, options.sources));
  const reference = await openCodes(exact, undefined, options);
  const noise = new Map<string, Partial<Record<ErrorSource, number>>>();
  try {
    for (const [source, variant] of variants) {
      const feed = source === 'overflow' ? undefined : new NoiseFeed(variant, options.seed);
      const other = await openCodes(variant, feed, options);
      const ratios = await compare(network, reference, other, options).finally(() =>
        other.executor.release(),
      );
      for (const [output, ratio] of ratios) noise.set(output, { ...noise.get(output), [source]: ratio });
    }
  } finally {
    await reference.executor.release();
  }
  return noise;
}

interface CodesRun {
  readonly emitted: EmittedNetwork;
  readonly executor: Executor;
  readonly feed: NoiseFeed | undefined;
}

async function openCodes(
  network: IntegerNetwork,
  feed: NoiseFeed | undefined,
  { open }: MeasureNoiseOptions,
): Promise<CodesRun> {
  const emitted = emitNetwork(network, { observe: ['codes'], ...(feed && { feed }) });
  return {
    emitted,
    executor: await open(emitted.bytes, { name: 'the emitted integer model', idleThreadsSleep: true }),
    feed,
  };
}

async function compare(
  network: IntegerNetwork,
  reference: CodesRun,
  other: CodesRun,
  options: MeasureNoiseOptions,
): Promise<Map<string, number>> {
  const layers = network.steps.filter(
    (step): step is DotStep => step.kind === 'dot' && step.result.kind === 'codes',
  );
  const signal = new Map<string, number>();
  const error = new Map<string, number>();
  const names = layers.map(({ output }) => `${output}:codes`);
  const held = new Map<string, Float32Array>();
  let done = 0;
  for await (const batch of options.data.batches(Math.min(cachedBatch(network.inputs), options.samples))) {
    if (done >= options.samples) break;
    const ours = await reference.executor.run(batch.inputs, names);
    const feeds = withNoise(other.emitted, other.feed, batch.inputs, done, options.shapes, held);
    const theirs = await other.executor.run(feeds, names);
    for (const step of layers) {
      const name = `${step.output}:codes`;
      addSquares(step, ours.get(name)!, theirs.get(name)!, signal, error);
    }
    done += batch.size;
  }
  return new Map(
    layers.map(({ output }) => [output, decibels(signal.get(output) ?? 0, error.get(output) ?? 0)]),
  );
}

function addSquares(
  step: DotStep,
  ours: Tensor,
  theirs: Tensor,
  signal: Map<string, number>,
  error: Map<string, number>,
): void {
  const grid = (step.result as Extract<DotStep['result'], { kind: 'codes' }>).grid;
  const zero = grid.zeroPoint + Math.max(0, -grid.min);
  const a = ours.data() as Uint8Array;
  const b = theirs.data() as Uint8Array;
  let power = 0;
  let noise = 0;
  for (let i = 0; i < a.length; i++) {
    power += (a[i]! - zero) ** 2;
    noise += (a[i]! - b[i]!) ** 2;
  }
  signal.set(step.output, (signal.get(step.output) ?? 0) + power);
  error.set(step.output, (error.get(step.output) ?? 0) + noise);
}

function decibels(power: number, noise: number): number {
  return noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(power / noise);
}
