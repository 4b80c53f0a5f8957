import type { Diagnostic } from '@bitwright/core';
import { readFileBytes } from '@bitwright/core/node';
import {
  applyObservations,
  applyRanges,
  type CalibratedRanges,
  convert,
  convertWithRounding,
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
  /** Threads that share the calibration. */
  readonly helpers?: ObservationHelpers | undefined;
}

/** Gives a prepared model its grids and codes as the method's recipe says, in place: all scales first, or layer by layer. */
export async function quantizePrepared(
  prepared: PreparedModel,
  run: PreparedRun,
): Promise<{ ranges: CalibratedRanges; diagnostics: readonly Diagnostic[]; calibrateSeconds: number }> {
  const started = performance.now();
  const { rounding, weightObserver: weightSearch } = run.resolved;
  if (run.resolved.recipe.rounding !== undefined)
    return { ...(await walkLayers(prepared, run)), calibrateSeconds: 0 };
  const { ranges, diagnostics } = await obtainRanges(prepared, run);
  const calibrateSeconds = (performance.now() - started) / 1000;
  const rounded =
    rounding === undefined
      ? convert(prepared, { weightSearch })
      : await convertWithRounding(prepared, { weightSearch, rounding });
  return { ranges, diagnostics: [...diagnostics, ...rounded], calibrateSeconds };
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
async function walkLayers(
  prepared: PreparedModel,
  { options, resolved, specs, hooks }: PreparedRun,
): Promise<{ ranges: CalibratedRanges; diagnostics: readonly Diagnostic[] }> {
  const saved = options.ranges === undefined ? undefined : readRanges(options.ranges);
  const data = await openDataInput(options.data!, specs, resolved.selection);
  const { onProgress, signal } = hooks;
  const { recipe, memory } = resolved;
  const open = hooks.open ?? openOrtNode;
  const float = recipe.reconstruction && rememberFloat(prepared);
  const { ranges, diagnostics } = await quantizeSequentially(prepared, {
    open,
    openSpill: openSpillFile,
    data,
    observer: resolved.observer,
    ...(saved && { ranges: saved }),
    weightSearch: resolved.weightObserver,
    recipe,
    memory,
    ...(onProgress && { onProgress: (done, total) => onProgress('quantizing layer by layer', done, total) }),
    ...(signal && { signal }),
  });
  if (float === undefined || recipe.reconstruction === undefined)
    return { ranges, diagnostics: [...data.diagnostics, ...diagnostics] };
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
  return { ranges, diagnostics: [...data.diagnostics, ...diagnostics, ...learned] };
}
