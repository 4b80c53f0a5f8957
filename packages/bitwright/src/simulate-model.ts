import type { Diagnostic } from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import type { GraphModule } from '@bitwright/graph';
import { openOrtNode } from '@bitwright/runtime';
import {
  type HardwareConfig,
  type HardwareSweep,
  type NoiseSource,
  type Simulation,
  type SweepParameter,
  simulate,
  standardSweeps,
  varyHardware,
} from '@bitwright/simulate';
import { openDataInput } from './data-input.js';
import { conventionOf } from './metadata.js';
import { inputSpecs, type ModelInput, modelName } from './model-file.js';
import { loadHardware } from './node/load-hardware.js';
import { type DataInput, positiveInteger } from './quantize-options.js';
import { loadQuantized } from './quantized-model.js';
import type { RunHooks } from './run-hooks.js';

/** How a model is simulated. */
export interface SimulateModelOptions {
  /** A preset's name, a file, or a description. */
  readonly hardware: string | HardwareConfig;
  /** Labelled data that accuracy is counted on. */
  readonly evaluation: DataInput;
  /** Samples that calibrated converter ranges are found on; the first 128 are taken. */
  readonly data?: DataInput;
  readonly samples?: number;
  readonly seeds?: number;
  readonly allowFloat?: boolean;
  readonly output?: string;
  /** Sensitivity curves: the accuracy over a parameter of the hardware; `standard` are those of a report, on 500 samples at most. */
  readonly sweeps?: readonly HardwareSweep[] | 'standard';
  readonly noiseSources?: readonly NoiseSource[];
  /** Samples that the noise of each layer is measured on; 32 by default, 0 leaves it out. */
  readonly noiseSamples?: number;
}

/** One point of a sensitivity curve. */
export interface SweepPoint {
  readonly value: number;
  readonly correct: readonly number[];
  readonly total: number;
}

/** The figures of a simulated model. */
export interface ModelSimulation extends Simulation {
  readonly path: string;
  readonly convention: string;
  /** Mean and standard deviation of the counts over the seeds. */
  readonly mean: number;
  readonly deviation: number;
  readonly sweeps: readonly { readonly parameter: SweepParameter; readonly points: readonly SweepPoint[] }[];
  readonly diagnostics: readonly Diagnostic[];
}

/** How many samples calibrated ranges are found on. */
export const CALIBRATION_SAMPLES = 128;
const CURVE_SAMPLES = 500;

/** Counts the right answers of a quantized model on a hardware that only has integers, narrow accumulators or an analog core. */
export async function simulateModel(
  model: ModelInput,
  options: SimulateModelOptions,
  hooks: RunHooks = {},
): Promise<ModelSimulation> {
  if (options.samples !== undefined) positiveInteger('--samples', options.samples);
  if (options.seeds !== undefined) positiveInteger('--seeds', options.seeds);
  const { hardware: named } = options;
  const hardware = typeof named === 'string' ? await loadHardware(named) : named;
  const { module, diagnostics } = loadQuantized(model);
  const specs = inputSpecs(module);
  const open = (samples?: number): Promise<SampleSource> =>
    openDataInput(options.evaluation, specs, {
      labels: 'needed',
      ...(samples !== undefined && { samples }),
    });
  const data = await open(options.samples);
  const calibration =
    options.data === undefined
      ? undefined
      : await openDataInput(options.data, specs, { samples: CALIBRATION_SAMPLES });
  const run = (config: HardwareConfig, on: SampleSource, noiseSamples?: number): Promise<Simulation> =>
    simulateOne(module, config, { data: on, calibration, noiseSamples }, options, hooks, modelName(model));
  const result = await run(hardware, data, options.noiseSamples);
  const isStandard = options.sweeps === 'standard';
  const asked =
    options.sweeps === 'standard' ? standardSweeps(hardware, result.layers) : (options.sweeps ?? []);
  const curveData = isStandard ? await open(Math.min(options.samples ?? CURVE_SAMPLES, CURVE_SAMPLES)) : data;
  const sweeps = await curvesOf(asked, (parameter, value) =>
    run(varyHardware(hardware, parameter, value), curveData, 0),
  );
  const convention = conventionOf(module) + (data.synthetic ? ', random data' : '');
  return {
    path: modelName(model),
    ...result,
    ...spread(result.correct),
    convention,
    sweeps,
    diagnostics: [...diagnostics, ...data.diagnostics],
  };
}

async function curvesOf(
  sweeps: readonly HardwareSweep[],
  run: (parameter: SweepParameter, value: number) => Promise<Simulation>,
): Promise<ModelSimulation['sweeps']> {
  const curves = [];
  for (const { parameter, values } of sweeps) {
    const points: SweepPoint[] = [];
    for (const value of values) {
      const { correct, total } = await run(parameter, value);
      points.push({ value, correct, total });
    }
    curves.push({ parameter, points });
  }
  return curves;
}

interface RunData {
  readonly data: SampleSource;
  readonly calibration: SampleSource | undefined;
  readonly noiseSamples: number | undefined;
}

async function simulateOne(
  module: GraphModule,
  hardware: HardwareConfig,
  { data, calibration, noiseSamples }: RunData,
  options: SimulateModelOptions,
  { onProgress, signal, open }: RunHooks,
  name: string,
): Promise<Simulation> {
  const { seeds, allowFloat, output, noiseSources } = options;
  return simulate(module.clone(), {
    hardware,
    data,
    open: open ?? openOrtNode,
    ...(calibration && { calibration }),
    ...(seeds !== undefined && { seeds }),
    ...(allowFloat !== undefined && { allowFloat }),
    ...(output !== undefined && { output }),
    ...(noiseSources && { noiseSources }),
    ...(noiseSamples !== undefined && { noiseSamples }),
    ...(onProgress && { onProgress: (done, total) => onProgress(`simulating ${name}`, done, total) }),
    ...(signal && { signal }),
  });
}

function spread(counts: readonly number[]): { mean: number; deviation: number } {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const squares = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0);
  return { mean, deviation: counts.length < 2 ? 0 : Math.sqrt(squares / (counts.length - 1)) };
}
