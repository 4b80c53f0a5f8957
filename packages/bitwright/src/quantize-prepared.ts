import type { Diagnostic } from '@bitwright/core';
import { readFileBytes } from '@bitwright/core/node';
import {
  applyObservations,
  applyRanges,
  type CalibratedRanges,
  type CorrectionOutcome,
  convert,
  convertWithRounding,
  type ExpectedInputs,
  type LayerCorrections,
  nearestRounding,
  type ObservationHelpers,
  openSpillFile,
  type PreparedModel,
  parseRanges,
  quantizeSequentially,
  reconstruct,
  rememberFloat,
} from '@bitwright/quantize';
import { openOrtNode } from '@bitwright/runtime';
import { openDataInput } from './data-input.js';
import type { inputSpecs } from './model-file.js';
import type { QuantizeOptions, ResolvedOptions } from './quantize-options.js';
import type { RunHooks } from './run-hooks.js';
import type { SharedWork } from './shared-work.js';

/** The run that a prepared model is quantized in. */
export interface PreparedRun {
  readonly options: QuantizeOptions;
  readonly resolved: ResolvedOptions;
  readonly specs: ReturnType<typeof inputSpecs>;
  readonly hooks: RunHooks;
  readonly shared: SharedWork;
  /** Mean inputs of the layers, where a correction asks for them. */
  readonly expected: ExpectedInputs;
  /** Threads that share the calibration. */
  readonly helpers?: ObservationHelpers | undefined;
}

/** What quantizing the layers found. */
export interface QuantizedLayers {
  readonly ranges: CalibratedRanges;
  readonly diagnostics: readonly Diagnostic[];
  readonly corrections: readonly CorrectionOutcome[];
}

/** Gives a prepared model its grids and codes as the method's recipe says, in place: all scales first, or layer by layer. */
export async function quantizePrepared(
  prepared: PreparedModel,
  run: PreparedRun,
): Promise<QuantizedLayers & { readonly calibrateSeconds: number }> {
  const started = performance.now();
  const { rounding, weightObserver: weightSearch, layerByLayer } = run.resolved;
  if (layerByLayer) return { ...(await walkLayers(prepared, run)), calibrateSeconds: 0 };
  const { ranges, diagnostics } = await obtainRanges(prepared, run);
  const calibrateSeconds = (performance.now() - started) / 1000;
  const corrections = layerCorrections(run);
  const isPlain = rounding === undefined && corrections.corrections.length === 0;
  const rounded = isPlain
    ? convert(prepared, { weightSearch })
    : await convertWithRounding(prepared, {
        weightSearch,
        rounding: rounding ?? nearestRounding,
        corrections,
      });
  return {
    ranges,
    diagnostics: [...diagnostics, ...rounded],
    corrections: told(corrections.outcomes, run),
    calibrateSeconds,
  };
}

/** What became of the corrections that were asked for; what a method does by itself is no news. */
function told(outcomes: readonly CorrectionOutcome[], { resolved }: PreparedRun): CorrectionOutcome[] {
  return outcomes.filter(({ correction }) => resolved.corrections.named.has(correction));
}

function layerCorrections({ resolved, expected }: PreparedRun): LayerCorrections {
  return { corrections: resolved.corrections.layers, expected, outcomes: [] };
}

async function obtainRanges(
  prepared: PreparedModel,
  { options, resolved, specs, hooks, shared, helpers }: PreparedRun,
): Promise<{ ranges: CalibratedRanges; diagnostics: readonly Diagnostic[] }> {
  if (options.ranges !== undefined) {
    const ranges = readRanges(options.ranges);
    applyRanges(prepared, ranges);
    return { ranges, diagnostics: [] };
  }
  const data = await openDataInput(options.data!, specs, resolved.selection);
  const { onProgress, signal } = hooks;
  const observations = await shared.observe(prepared, {
    open: hooks.open ?? openOrtNode,
    data,
    needs: resolved.observer.needs,
    memory: resolved.memory,
    helpers,
    ...(onProgress && { onProgress: (done, total) => onProgress('calibrating', done, total) }),
    ...(signal && { signal }),
  });
  const calibration = applyObservations(prepared, observations, resolved.observer);
  return { ranges: calibration.ranges, diagnostics: [...data.diagnostics, ...calibration.diagnostics] };
}

function readRanges(path: string): CalibratedRanges {
  return parseRanges(new TextDecoder().decode(readFileBytes(path)), path);
}

/** Calibrates and rounds layer by layer, behind the layers that are quantized already; then what the recipe reconstructs. */
async function walkLayers(prepared: PreparedModel, run: PreparedRun): Promise<QuantizedLayers> {
  const { options, resolved, specs, hooks } = run;
  const saved = options.ranges === undefined ? undefined : readRanges(options.ranges);
  const data = await openDataInput(options.data!, specs, resolved.selection);
  const { onProgress, signal } = hooks;
  const { recipe, memory } = resolved;
  const open = hooks.open ?? openOrtNode;
  const float = recipe.reconstruction && rememberFloat(prepared);
  const { ranges, diagnostics, corrections } = await quantizeSequentially(prepared, {
    open,
    openSpill: openSpillFile,
    data,
    observer: resolved.observer,
    ...(saved && { ranges: saved }),
    weightSearch: resolved.weightObserver,
    recipe,
    rounding: resolved.rounding,
    corrections: layerCorrections(run),
    memory,
    ...(onProgress && { onProgress: (done, total) => onProgress('quantizing layer by layer', done, total) }),
    ...(signal && { signal }),
  });
  if (float === undefined || recipe.reconstruction === undefined)
    return {
      ranges,
      corrections: told(corrections, run),
      diagnostics: [...data.diagnostics, ...diagnostics],
    };
  const learned = await reconstruct(prepared, float, {
    open,
    data,
    plan: recipe.reconstruction,
    decisions: recipe.decisions,
    memory,
    seed: resolved.seed,
    ...(onProgress && { onProgress: (done, total) => onProgress('reconstructing', done, total) }),
    ...(signal && { signal }),
  });
  return {
    ranges,
    corrections: told(corrections, run),
    diagnostics: [...data.diagnostics, ...diagnostics, ...learned],
  };
}
