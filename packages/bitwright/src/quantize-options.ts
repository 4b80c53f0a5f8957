import {
  type BackendConfig,
  type BackendTable,
  BIAS_FORMS,
  type BiasForm,
  type DTypeConfig,
  findBackend,
  findTable,
  resolveBackend,
  SCHEMES,
  type Scheme,
} from '@bitwright/backends';
import { BitwrightError, didYouMean } from '@bitwright/core';
import type { ApiSample, DataCard, OpenDataOptions, SampleSource } from '@bitwright/data';
import {
  type Bits,
  type Budget,
  type CorrectionPlan,
  type DataFreeRounding,
  findObserver,
  findRounding,
  formatBits,
  type LatencyTable,
  type Observer,
  parseBits,
  planCorrections,
  type QConfig,
  type QConfigMapping,
  RECIPES,
  type Recipe,
  type RoundingAlgorithm,
} from '@bitwright/quantize';

import { budgetOf } from './budget-option.js';
import type { Plugin } from './define-plugin.js';
import { type Extensions, extensionsOf } from './extensions.js';

/** The methods that ship, from calibrated scales alone to everything that pays within minutes. */
export const METHODS = ['fast', 'balanced', 'best'] as const;

/** Where weights and activations get one scale for the tensor or one for each output channel (weights only). */
export const GRANULARITIES = ['per-channel', 'per-tensor'] as const;

/** Whether weight grids are centred on zero. */
export const WEIGHT_FORMS = ['symmetric', 'affine'] as const;

/** How a call of {@link quantize} is told where samples come from. */
export type DataInput = string | DataCard | SampleSource | AsyncIterable<ApiSample> | Iterable<ApiSample>;

/** The choices of a quantization: one schema for the API, the configuration file and the command line. */
export interface QuantizeOptions {
  /** `W4A4`, `W2A8`, or `8` for both. May be left out with `requantize`, and then only the dialect changes. */
  readonly bits?: string;
  /** Starts from a quantized model: with its own widths only the dialect changes and every code stays, else it is calibrated anew. */
  readonly requantize?: boolean;
  /** Calibration data: the path of a data card, a card, or samples. Not needed with `ranges`. */
  readonly data?: DataInput;
  /** Uses the first so many samples; 1024 by default. */
  readonly samples?: number;
  /** The name of a table, the path of one of yours, or a table. */
  readonly backend?: string | BackendTable;
  readonly scheme?: Scheme;
  readonly method?: (typeof METHODS)[number];
  readonly dialect?: 'auto' | 'qdq' | 'qcdq' | 'native' | 'qonnx';
  readonly bias?: BiasForm;
  readonly granularity?: (typeof GRANULARITIES)[number];
  readonly weights?: (typeof WEIGHT_FORMS)[number];
  /** How activation ranges are chosen; `mse` by default. */
  readonly observer?: string;
  /** How weight ranges are chosen; `mse` by default. */
  readonly weightObserver?: 'mse' | 'min-max';
  /** Brings the channels of neighbouring layers to like sizes first; by default where one scale serves a whole weight tensor and the method is not `fast`. */
  readonly equalize?: boolean;
  /** The rounding algorithm, instead of the method's own. */
  readonly rounding?: string;
  /** Corrections by name, beside those of the method: `bias-analytic`, `statistics` and others. */
  readonly correct?: readonly string[];
  readonly powerOfTwo?: boolean;
  readonly reduceRange?: boolean;
  /** Rounds weights so that no input overflows a signed accumulator of so many bits; the proof goes into the metadata. */
  readonly accumulatorBits?: number;
  readonly mapping?: QConfigMapping;
  /** Names or globs of nodes that stay float. */
  readonly keepFloat?: readonly string[];
  /** Memory for activations during calibration, in bytes or as `1GB`. */
  readonly memory?: number | string;
  /** Threads that share the calibration of `fast`, one a core by default; the result is the same for any number. */
  readonly workers?: number;
  /** Of the random choices of `best`; 1 by default. */
  readonly seed?: number;
  /** Saved ranges to use instead of calibrating, as text of a ranges file or its path. */
  readonly ranges?: string;
  readonly saveRanges?: string;
  /** Chooses widths of weights layer by layer: `size=0.5`, `size=120KB`, `bops=0.5`, `latency=5ms`; shares are of 8-bit weights. */
  readonly budget?: string;
  /** The times of the device's layers, for a budget of latency: a table, or the path of one. */
  readonly latency?: string | LatencyTable;
  /** Points of top-1 accuracy that may be lost, e.g. `1%`; needs `evaluation`. Missing it is an error and nothing is written. */
  readonly maxDrop?: string;
  /** Labelled data that the accuracy before and after is counted on; it never chooses anything. */
  readonly evaluation?: DataInput;
  /** Where the model is written; without it only the bytes are returned. */
  readonly output?: string;
  /** Writes into each node that a rule made which rule it was and which nodes of the file it stands for. */
  readonly provenance?: boolean;
  /** Plugins, e.g. from `loadPlugins`; what they bring is known to this call only. */
  readonly plugins?: readonly Plugin[];
  /** Lets W8A8 layers keep signed weights that saturate 16-bit pairs on CPUs without VNNI. */
  readonly allowPairSaturation?: boolean;
}

/** How many calibration samples are used: as many as were asked for, or the default. */
export type SampleSelection = Pick<OpenDataOptions, 'samples' | 'defaultSamples'>;

/** Options with every default filled in and every name resolved. */
export interface ResolvedOptions {
  readonly bits: Bits;
  readonly selection: SampleSelection;
  readonly backend: BackendConfig;
  readonly scheme: Scheme;
  readonly method: (typeof METHODS)[number];
  readonly extensions: Extensions;
  readonly recipe: Recipe;
  /** An algorithm without data that was asked for instead of the recipe's. */
  readonly rounding: DataFreeRounding | undefined;
  readonly corrections: CorrectionPlan;
  /** True where layers are calibrated and rounded one by one, behind those that are quantized already. */
  readonly layerByLayer: boolean;
  readonly dialect: string;
  readonly observer: Observer;
  readonly weightObserver: 'mse' | 'min-max';
  readonly qconfig: QConfig;
  readonly mapping: QConfigMapping;
  readonly keepFloat: readonly string[];
  readonly memory: number;
  readonly workers: number | undefined;
  readonly seed: number;
  readonly budget: Budget | undefined;
  readonly maxDrop: number | undefined;
}

/**
 * Checks the options and fills in the defaults; what the options alone decide is settled here, before any file is read.
 *
 * @throws usage errors: BITS_INVALID, OPTION_VALUE, BACKEND_UNKNOWN, OBSERVER_UNKNOWN, CORRECTION_UNKNOWN, SCHEME_WITH_BACKEND, BUDGET_LATENCY.
 */
export function resolveOptions(options: QuantizeOptions): ResolvedOptions {
  if (options.bits === undefined) throw missingBits();
  const bits = parseBits(options.bits);
  const scheme = oneOf('--scheme', options.scheme ?? 'backend', SCHEMES);
  if (scheme !== 'backend' && options.backend !== undefined) {
    throw new BitwrightError({
      code: 'SCHEME_WITH_BACKEND',
      message: `The scheme '${scheme}' brings its own table, so it can't be combined with the backend '${nameOf(options.backend)}'.`,
      hint: 'Leave one of the two out.',
      at: { option: '--scheme' },
      kind: 'usage',
    });
  }
  const extensions = extensionsOf(options.plugins);
  const method = oneOf('--method', options.method ?? defaultMethod(options), METHODS);
  const rounding =
    options.rounding === undefined ? undefined : findRounding(options.rounding, extensions.roundings);
  const observer = findObserver(options.observer ?? 'mse', extensions.observers);
  const recipe = recipeOf(method, rounding, options.observer === undefined ? undefined : observer);
  const corrections = planCorrections(namesOf(options, method), recipe.corrections, extensions.corrections);
  const dialect = oneOf('--dialect', options.dialect ?? 'auto', ['auto', 'qdq', 'qcdq', 'native', 'qonnx']);
  const named = scheme === 'backend' ? (options.backend ?? 'onnxruntime-cpu') : scheme;
  const backend = findOption(named, extensions.backends);
  assertTakesBits(backend, bits);
  return {
    bits,
    selection: calibrationSamples(options.samples),
    backend,
    scheme,
    method,
    extensions,
    recipe,
    rounding: rounding?.needsStatistics === false ? rounding : undefined,
    corrections,
    layerByLayer:
      recipe.rounding !== undefined || corrections.layers.some(({ needs }) => needs === 'statistics'),
    dialect,
    observer,
    weightObserver: oneOf('--weight-observer', options.weightObserver ?? 'mse', ['mse', 'min-max']),
    qconfig: {
      ...bits,
      symmetricWeights: oneOf('--weights', options.weights ?? 'symmetric', WEIGHT_FORMS) === 'symmetric',
      perChannel:
        oneOf('--granularity', options.granularity ?? 'per-channel', GRANULARITIES) === 'per-channel',
      symmetricActivations: dialect === 'qonnx' || (dialect === 'auto' && backend.dialects?.[0] === 'qonnx'),
      reduceRange: options.reduceRange ?? false,
      ...(options.accumulatorBits !== undefined && {
        accumulatorBits: accumulatorWidth(options.accumulatorBits),
      }),
      powerOfTwo: options.powerOfTwo ?? false,
      bias: oneOf('--bias', options.bias ?? 'int32', BIAS_FORMS),
    },
    mapping: options.mapping ?? {},
    keepFloat: options.keepFloat ?? [],
    ...howToRun(options),
    budget: budgetOf(options),
    maxDrop: parseMaxDrop(options),
  };
}

/** A method's recipe with the rounding and the observer that are asked for. */
function recipeOf(
  method: Recipe['name'],
  rounding: RoundingAlgorithm | undefined,
  observer: Observer | undefined,
): Recipe {
  const found = RECIPES.find(({ name }) => name === method)!;
  const { rounding: _default, ...withoutRounding } = found;
  const rounded =
    rounding === undefined ? found : rounding.needsStatistics ? { ...found, rounding } : withoutRounding;
  // an observer that is asked for has the last word
  const last = observer !== undefined && observer.refines === undefined;
  return last ? { ...rounded, decisions: false } : rounded;
}

/** The corrections that are asked for; equalization is one that has an option of its own. */
function namesOf({ correct = [], equalize, granularity }: QuantizeOptions, method: string): string[] {
  const equalizes = equalize ?? (method !== 'fast' && granularity === 'per-tensor');
  return equalizes ? [...correct, 'equalize'] : [...correct];
}

/** The backend of the option: a name, or a table. Files are loaded before. */
function findOption(backend: string | BackendTable, extra: readonly BackendTable[]): BackendConfig {
  if (typeof backend === 'string') return findBackend(backend, extra);
  return resolveBackend(backend, (name) => findTable(name, extra));
}

function nameOf(backend: string | BackendTable): string {
  return typeof backend === 'string' ? backend : backend.name;
}

/** @throws BACKEND_BITS (wrong usage) when no layer with weights can have these widths, so that all would stay float. */
function assertTakesBits({ name, entries }: BackendConfig, { weights, activations }: Bits): void {
  const layers = entries.flatMap(({ dtypes }) => dtypes).filter((dtype) => dtype.weight !== undefined);
  const taken = ({ input, weight }: DTypeConfig): boolean =>
    weight?.bits.includes(weights) === true && (input === undefined || input.bits.includes(activations));
  if (layers.length === 0 || layers.some(taken)) return;
  const pairs = layers.flatMap(({ input, weight }) =>
    weight!.bits.flatMap((w) =>
      (input?.bits ?? [activations]).map((a) => formatBits({ weights: w, activations: a })),
    ),
  );
  throw new BitwrightError({
    code: 'BACKEND_BITS',
    message: `The backend '${name}' takes no ${formatBits({ weights, activations })} in any layer.`,
    hint: `It takes ${[...new Set(pairs)].slice(0, 8).join(', ')}.`,
    at: { option: '--bits' },
    kind: 'usage',
  });
}

/** Rounding on statistics needs data; with saved ranges alone only the scales are known. */
function defaultMethod({ data, ranges }: QuantizeOptions): (typeof METHODS)[number] {
  return data === undefined && ranges !== undefined ? 'fast' : 'balanced';
}

/** A value that must be one of a few words. @throws OPTION_VALUE (wrong usage) with the nearest. */
export function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw new BitwrightError({
    code: 'OPTION_VALUE',
    message: `${option} can't be '${value}'.`,
    hint: didYouMean(value, known),
    at: { option },
    kind: 'usage',
  });
}

/** A whole number above zero. @throws OPTION_VALUE (wrong usage). */
export function positiveInteger(option: string, value: number, example = 1024): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new BitwrightError({
    code: 'OPTION_VALUE',
    message: `${option} must be a whole number above 0.`,
    hint: `Write for example ${option} ${example}.`,
    at: { option },
    kind: 'usage',
  });
}

/** The first so many calibration samples; 1024 where nothing is said. @throws OPTION_VALUE (wrong usage). */
export function calibrationSamples(samples: number | undefined): SampleSelection {
  return samples === undefined
    ? { defaultSamples: 1024 }
    : { samples: positiveInteger('--samples', samples) };
}

/** What decides how the work is done, not what becomes of it (but for the seed). @throws OPTION_VALUE (wrong usage). */
function howToRun({
  memory = '1GB',
  workers,
  seed = 1,
}: QuantizeOptions): Pick<ResolvedOptions, 'memory' | 'workers' | 'seed'> {
  return {
    memory: parseBytes(memory),
    workers: workers === undefined ? undefined : positiveInteger('--workers', workers, 2),
    seed: seedOf(seed),
  };
}

/** A seed of random choices. @throws OPTION_VALUE (wrong usage). */
function seedOf(seed: number): number {
  if (Number.isSafeInteger(seed) && seed >= 0 && seed < 2 ** 32) return seed;
  throw new BitwrightError({
    code: 'OPTION_VALUE',
    message: '--seed must be a whole number from 0 to 4294967295.',
    hint: 'Write for example --seed 7.',
    at: { option: '--seed' },
    kind: 'usage',
  });
}

/** The width of an accumulator. @throws OPTION_VALUE (wrong usage). */
function accumulatorWidth(bits: number): number {
  if (Number.isInteger(bits) && bits >= 4 && bits <= 32) return bits;
  throw new BitwrightError({
    code: 'OPTION_VALUE',
    message: '--accumulator-bits must be a whole number from 4 to 32.',
    hint: 'Write for example --accumulator-bits 16.',
    at: { option: '--accumulator-bits' },
    kind: 'usage',
  });
}

/** Bytes from `512MB`, `1GB` or a plain number. @throws OPTION_VALUE (wrong usage). */
export function parseBytes(value: number | string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?$/i.exec(String(value).trim());
  const bytes =
    match === null
      ? Number.NaN
      : Number(match[1]) * 1024 ** ['', 'K', 'M', 'G', 'T'].indexOf(match[2]!.toUpperCase());
  if (bytes >= 2 ** 20) return bytes;
  throw new BitwrightError({
    code: 'OPTION_VALUE',
    message: `--memory can't be '${value}'.`,
    hint: 'Write for example 512MB or 1GB; at least 1MB.',
    at: { option: '--memory' },
    kind: 'usage',
  });
}

/** The error of a quantization whose widths are not given. */
function missingBits(): BitwrightError {
  return new BitwrightError({
    code: 'OPTION_MISSING',
    message: '--bits is missing: it says the widths.',
    hint: 'Write for example: --bits W4A4. With --requantize alone it may be left out: then only the dialect changes.',
    at: { option: '--bits' },
    kind: 'usage',
  });
}

/** The error of a quantization without data and without saved ranges. */
export function missingData(): BitwrightError {
  return new BitwrightError({
    code: 'DATA_NEEDED',
    message: 'Quantization needs calibration data, and none was given.',
    hint: 'Give a data card with --data, or saved ranges with --ranges.',
    at: { option: '--data' },
    kind: 'usage',
  });
}

/** The points of accuracy that may be lost; undefined when that is not said. @throws OPTION_VALUE (wrong usage). */
export function parseMaxDrop(options: QuantizeOptions): number | undefined {
  const { maxDrop, evaluation } = options;
  if (maxDrop === undefined) return undefined;
  const points = Number(/^(\d+(?:\.\d+)?)\s*%?$/.exec(maxDrop.trim())?.[1] ?? Number.NaN);
  if (Number.isFinite(points) && evaluation !== undefined) return points;
  throw new BitwrightError({
    code: 'OPTION_VALUE',
    message:
      evaluation === undefined ? '--max-drop needs labelled data.' : `--max-drop can't be '${maxDrop}'.`,
    hint:
      evaluation === undefined
        ? 'Give a data card with labels by --eval.'
        : 'Write for example --max-drop 1%.',
    at: { option: '--max-drop' },
    kind: 'usage',
  });
}
