import { signedBits } from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import type { GraphModule } from '@bitwright/graph';
import { evaluate, type OpenExecutor } from '@bitwright/runtime';
import type { NoiseSource } from '../analog/analog-dot.js';
import { NoiseFeed } from '../analog/noise-feed.js';
import { isAnalog, needsCalibration, resolveAnalog, type SeenMagnitudes } from '../analog/resolve-analog.js';
import type { HardwareConfig } from '../hardware/hardware-schema.js';
import type { AccumulatorRecord } from '../interpreter/accumulator-record.js';
import type { FloatOperator, IntegerNetwork } from '../network/integer-network.js';
import { lowerNetwork } from '../network/lower-network.js';
import { averageBound, dotBound } from '../network/worst-case.js';
import { emitNetwork } from '../onnx/emit-network.js';
import { cachedBatch } from './cached-batch.js';
import { calibrateRanges, exactTiles } from './calibrate-ranges.js';
import { type LayerNoise, measureNoise } from './layer-noise.js';
import { missingCalibration } from './missing-calibration.js';
import { openSimulated, type SampleShapes } from './simulated-executor.js';

/** What a simulation works on. */
export interface SimulateOptions {
  readonly hardware: HardwareConfig;
  /** Labelled samples that accuracy is counted on. */
  readonly data: SampleSource;
  /** Samples that calibrated converter ranges are found on; never those that are evaluated. */
  readonly calibration?: SampleSource;
  readonly open: OpenExecutor;
  /** Runs with different noise; 1 by default. Without noise all are the same and one is run. */
  readonly seeds?: number;
  readonly allowFloat?: boolean;
  /** Noise sources of plugins. */
  readonly noiseSources?: readonly NoiseSource[];
  /** Samples that the noise of each layer is measured on; 0 leaves it out. 32 by default. */
  readonly noiseSamples?: number;
  /** The output that holds the logits. */
  readonly output?: string;
  readonly onProgress?: (done: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
}

/** What is said of one layer. */
export interface SimulatedLayer {
  readonly name: string;
  readonly opType: string;
  /** Bits of a signed register that holds the sum of centred products: for any input, and on the samples seen. */
  readonly accumulatorBits: { readonly worstCase: number; readonly onData: number };
  /** Bits of the hardware's register. */
  readonly registerBits: number;
  readonly overflows: number;
  /** Decibels of the output's codes against exact sums, by source; absent where nothing differs or none was measured. */
  readonly snr?: Readonly<Record<string, number | null>>;
}

/** The result of a simulation. */
export interface Simulation {
  readonly hardware: string;
  /** Right answers, one count for each seed. */
  readonly correct: readonly number[];
  readonly total: number;
  readonly engine: 'onnx' | 'interpreter';
  readonly layers: readonly SimulatedLayer[];
  readonly float: readonly FloatOperator[];
  readonly seconds: number;
}

/**
 * Runs a quantized model as a hardware would and counts its right answers, with different noise for each seed.
 *
 * @param module in the private dialect, after convert or lifted from a file.
 * @throws the errors of lowering; SIMULATE_CALIBRATION when a converter's range must be found on data and none is given.
 */
export async function simulate(module: GraphModule, options: SimulateOptions): Promise<Simulation> {
  const { hardware, open } = options;
  const allowFloat = options.allowFloat ?? false;
  const digital = lowerNetwork(module, { hardware, allowFloat });
  const hasNoise = digital.steps.some((step) => step.kind === 'dot' && step.hardware.noise.length > 0);
  const seen = await rangesOf(digital, options);
  const network = resolveAnalog(digital, seen, options.noiseSources);
  const shapes = hasNoise ? await sampleShapes(digital, options) : new Map();
  const firstSeed = hardware.seed ?? 1;
  const seeds = options.seeds ?? 1;
  const correct: number[] = [];
  const records = new Map<string, AccumulatorRecord>();
  const totals = { total: 0, seconds: 0 };
  let engine: Simulation['engine'] = 'onnx';
  for (let run = 0; run < (hasNoise ? seeds : 1); run++) {
    const feed = hasNoise ? new NoiseFeed(network, firstSeed + run) : undefined;
    const executor = await openSimulated(network, { open, shapes, ...(feed && { feed }) });
    const { onProgress, signal, output } = options;
    const counted = await evaluate(executor, options.data, {
      batchSize: cachedBatch(network.inputs),
      ...(output !== undefined && { output }),
      ...(onProgress && { onProgress }),
      ...(signal && { signal }),
    }).finally(() => executor.release());
    correct.push(counted.correct);
    totals.total = counted.total;
    totals.seconds += counted.seconds;
    engine = executor.engine;
    for (const [name, record] of executor.records) merge(records, name, record);
  }
  while (correct.length < seeds) correct.push(correct[0]!);
  const noise = await noiseOf(digital, options, seen, firstSeed, records);
  const layers = layersOf(digital, records, noise);
  return { hardware: hardware.name, correct, ...totals, engine, layers, float: digital.float };
}

async function rangesOf(
  network: IntegerNetwork,
  options: SimulateOptions,
): Promise<Map<string, SeenMagnitudes>> {
  if (!needsCalibration(network)) return new Map();
  if (options.calibration === undefined) throw missingCalibration(options.hardware.name);
  return calibrateRanges(network, options.calibration, options.open, options.signal);
}

/** The shapes of one sample, found by running one. */
async function sampleShapes(network: IntegerNetwork, options: SimulateOptions): Promise<SampleShapes> {
  const emitted = emitNetwork(exactTiles(network), { observe: ['accumulators', 'codes'] });
  const executor = await options.open(emitted.bytes, {
    name: 'the emitted integer model',
    idleThreadsSleep: true,
  });
  const shapes = new Map<string, { inputs: readonly number[]; sum: readonly number[] }>();
  try {
    for await (const batch of options.data.batches(1)) {
      const results = await executor.run(batch.inputs);
      for (const step of network.steps) {
        if (step.kind !== 'dot') continue;
        const dimsOf = (name: string): readonly number[] => results.get(name)!.dims.slice(1);
        shapes.set(step.output, {
          inputs: dimsOf(`${step.input}:codes`),
          sum: dimsOf(`${step.output}:accumulators`),
        });
      }
      break;
    }
  } finally {
    await executor.release();
  }
  return shapes;
}

async function noiseOf(
  network: IntegerNetwork,
  options: SimulateOptions,
  seen: ReadonlyMap<string, SeenMagnitudes>,
  seed: number,
  records: ReadonlyMap<string, AccumulatorRecord>,
): Promise<LayerNoise> {
  const samples = options.noiseSamples ?? 32;
  const differs =
    network.steps.some((step) => step.kind === 'dot' && isAnalog(step)) ||
    [...records.values()].some(({ overflows }) => overflows > 0);
  if (!differs || samples === 0) return new Map();
  const { open, data, noiseSources } = options;
  const shapes = await sampleShapes(network, options);
  return measureNoise(network, { open, data, samples, seed, seen, shapes, sources: noiseSources ?? [] });
}

function merge(records: Map<string, AccumulatorRecord>, name: string, record: AccumulatorRecord): void {
  const before = records.get(name);
  records.set(name, {
    low: Math.min(before?.low ?? 0, record.low),
    high: Math.max(before?.high ?? 0, record.high),
    overflows: (before?.overflows ?? 0) + record.overflows,
    checks: (before?.checks ?? 0) + record.checks,
  });
}

function layersOf(
  network: IntegerNetwork,
  records: ReadonlyMap<string, AccumulatorRecord>,
  noise: LayerNoise,
): SimulatedLayer[] {
  const layers: SimulatedLayer[] = [];
  for (const step of network.steps) {
    const record = records.get(step.output);
    if (record === undefined || (step.kind !== 'dot' && step.kind !== 'average' && step.kind !== 'matmul'))
      continue;
    const snr = noise.get(step.output);
    const onData = signedBits(record.low, record.high);
    const worstCase =
      step.kind === 'dot' ? dotBound(step).bits : step.kind === 'average' ? averageBound(step).bits : onData;
    layers.push({
      name: step.name,
      opType: step.kind === 'dot' ? step.opType : step.kind === 'average' ? 'AveragePool' : 'MatMul',
      accumulatorBits: { worstCase, onData },
      registerBits: step.hardware.accumulator.bits,
      overflows: record.overflows,
      ...(snr && {
        snr: Object.fromEntries(Object.entries(snr).map(([source, ratio]) => [source, finite(ratio)])),
      }),
    });
  }
  return layers;
}

/** A ratio to one decimal; null where nothing differed. */
function finite(ratio: number): number | null {
  return Number.isFinite(ratio) ? Math.round(ratio * 10) / 10 : null;
}
