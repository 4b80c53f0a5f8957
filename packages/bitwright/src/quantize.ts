import { digest, type ReportVariant } from '@bitwright/analyze';
import { upgradeOpset } from '@bitwright/capture';
import type { Diagnostic } from '@bitwright/core';
import { assertWritable, writeFileAtomically } from '@bitwright/core/node';
import type { Dialect } from '@bitwright/dialects';
import { type GraphModule, lint } from '@bitwright/graph';
import {
  type Bits,
  type BudgetReport,
  type CorrectionOutcome,
  formatRanges,
  type ObservationHelpers,
  prepare,
  QConfigResolver,
  startObservationWorkers,
} from '@bitwright/quantize';
import { foldConstantsWith, keepProvenance } from '@bitwright/rewrite';
import { constantEvaluator, openOrtNode } from '@bitwright/runtime';
import type { AccumulatorDocument, UnsignedProof } from './accumulator-document.js';
import {
  type AccuracyComparison,
  accuracyDiagnostics,
  compareAccuracy,
  countFloat,
} from './accuracy-gate.js';
import { type ChosenWidths, chooseByBudget } from './choose-by-budget.js';
import { chooseDialect, neededOpset } from './choose-dialect.js';
import { type CorrectedNetwork, correctNetwork } from './correct-network.js';
import { diagnosePrepared } from './diagnose-model.js';
import { emitLoadable } from './emit-loadable.js';
import { extensionsOf } from './extensions.js';
import { type FloatPassReport, runFloatPasses } from './float-passes.js';
import { type LayerReport, reportLayers } from './layer-report.js';
import { type Provenance, writeMetadata } from './metadata.js';
import { assertFloatModel, inputSpecs, loadModel, type ModelInput, modelName } from './model-file.js';
import { loadBackend } from './node/load-backend.js';
import {
  missingData,
  parseMaxDrop,
  type QuantizeOptions,
  type ResolvedOptions,
  resolveOptions,
} from './quantize-options.js';
import { quantizePrepared } from './quantize-prepared.js';
import { recordAccumulators } from './record-accumulators.js';
import { asFloatModel, keepsCodes, liftModel, rewriteInDialect } from './requantize.js';
import type { RunHooks } from './run-hooks.js';
import { type PassedModel, SharedWork } from './shared-work.js';
import { assertModelWritable, writeModel } from './write-model.js';

/** What a quantization made and did. */
export interface QuantizeResult {
  /** The quantized model's file content. */
  readonly bytes: Uint8Array;
  readonly output?: string;
  readonly bits: Bits;
  readonly scheme: string;
  readonly method: string;
  readonly backend: string;
  readonly dialect: string;
  readonly layers: readonly LayerReport[];
  readonly fusions: FloatPassReport['applied'];
  readonly diagnostics: readonly Diagnostic[];
  /** What became of each correction, place by place. */
  readonly corrections: readonly CorrectionOutcome[];
  readonly samples: number;
  /** The widths that were chosen, where a budget was given. */
  readonly budget?: BudgetReport;
  /** The layers whose promotion to 8 bits buys most at the output, where a report was made. */
  readonly promotions?: NonNullable<ReportVariant['promotions']>;
  /** What the sums of each channel can reach, where `accumulatorBits` was given; lies beside the output as well. */
  readonly accumulators?: AccumulatorDocument;
  /** Counted on `evaluation`, where that was given. */
  readonly accuracy?: AccuracyComparison;
  readonly seconds: {
    readonly capture: number;
    readonly calibrate: number;
    readonly round: number;
    readonly emit: number;
    readonly total: number;
  };
  readonly peakRssBytes: number;
}

/**
 * Quantizes a float model: captures it, folds and fuses, puts quantizers in as the backend's table says, calibrates them
 * on the data, rounds the weights, and writes the result in the dialect.
 *
 * @param model the path of an ONNX file, or its bytes; neither is changed.
 * @param shared what earlier calls for this model and these samples have made, for use again.
 * @throws BitwrightError; no output is written then.
 */
export async function quantize(
  model: ModelInput,
  options: QuantizeOptions,
  hooks: RunHooks = {},
  shared = new SharedWork(),
): Promise<QuantizeResult> {
  const kept = options.requantize === true ? await keepCodes(model, options, hooks) : undefined;
  return kept ?? quantizeAnew(model, options, hooks, shared);
}

async function quantizeAnew(
  model: ModelInput,
  options: QuantizeOptions,
  hooks: RunHooks,
  shared: SharedWork,
): Promise<QuantizeResult> {
  const clock = new Clock();
  const asked = await resolveWithBackend(options);
  if (options.data === undefined && (options.ranges === undefined || asked.layerByLayer)) throw missingData();
  assertModelWritable(options);
  if (options.saveRanges !== undefined) assertWritable(options.saveRanges);
  const helpers = startHelpers(options, asked, hooks, shared);
  try {
    return await quantizeResolved(model, options, { asked, helpers, clock }, hooks, shared);
  } finally {
    helpers?.close();
  }
}

/** Threads that boot while the model is read; undefined where nothing is left to share. */
function startHelpers(
  options: QuantizeOptions,
  { layerByLayer, workers }: ResolvedOptions,
  hooks: RunHooks,
  shared: SharedWork,
): ObservationHelpers | undefined {
  const observes = !layerByLayer && options.ranges === undefined && !shared.hasObservations;
  if (!observes || hooks.open !== undefined) return undefined;
  return startObservationWorkers(workers);
}

async function quantizeResolved(
  model: ModelInput,
  options: QuantizeOptions,
  {
    asked,
    helpers,
    clock,
  }: { asked: ResolvedOptions; helpers: ObservationHelpers | undefined; clock: Clock },
  hooks: RunHooks,
  shared: SharedWork,
): Promise<QuantizeResult> {
  const { way, chosen, resolved, passed } = await loadAndChoose(model, options, asked, hooks, shared);
  const { module, passes, lifting, expected, outcomes } = passed;
  const work = { options, resolved, specs: inputSpecs(module), hooks, shared, helpers, expected };
  shared.noteTable({ backend: resolved.backend, resolver: way.resolver });
  const prepared = prepare(module, resolved.backend, way.resolver);
  const float = await countFloat(model, options, hooks);
  clock.lap('capture', chosen?.seconds);
  const calibration = await quantizePrepared(prepared, work);
  clock.lap('round', calibration.calibrateSeconds);
  const layers = reportLayers(prepared);
  const mistakes = diagnosePrepared(module, resolved);
  const { samples } = calibration.ranges;
  const lowered = lowerTo(way.dialect, module, options, { resolved, layers, samples, prepared });
  const bytes = await emitLoadable(module, { ...way, backend: resolved.backend, model }, hooks);
  const accuracy = await compareAccuracy(float, bytes, options, resolved.maxDrop, hooks);
  hooks.signal?.throwIfAborted();
  if (options.saveRanges !== undefined)
    writeFileAtomically(options.saveRanges, formatRanges(calibration.ranges));
  const accumulators = lowered.proof && { ...lowered.proof, sha256: await digest(bytes) };
  if (options.output !== undefined) writeModel(options.output, { bytes, accumulators });
  clock.lap('emit');
  return {
    bytes,
    ...(options.output !== undefined && { output: options.output }),
    ...(accumulators && { accumulators }),
    bits: resolved.bits,
    scheme: resolved.scheme,
    method: resolved.method,
    backend: resolved.backend.name,
    dialect: way.dialect.name,
    layers,
    fusions: passes.applied,
    diagnostics: [
      ...lifting,
      ...rejections(passes),
      ...prepared.diagnostics,
      ...calibration.diagnostics,
      ...lowered.diagnostics,
      ...mistakes,
      ...accuracyDiagnostics(accuracy),
    ],
    corrections: [...outcomes, ...calibration.corrections],
    samples,
    ...(chosen && { budget: chosen.budget }),
    ...(accuracy && { accuracy }),
    seconds: clock.seconds(),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}

/** Loads the model, equalized where that is asked for, and chooses widths where there is a budget. */
async function loadAndChoose(
  model: ModelInput,
  options: QuantizeOptions,
  asked: ResolvedOptions,
  hooks: RunHooks,
  shared: SharedWork,
): Promise<{
  way: WayOut;
  chosen: ChosenWidths | undefined;
  resolved: ResolvedOptions;
  passed: CorrectedNetwork;
}> {
  const load = async ({ opset }: WayOut): Promise<CorrectedNetwork> => {
    const loaded = await shared.model(opset, () => loadFused(model, options, asked, opset, hooks));
    const corrected = await correctNetwork(loaded, options, asked, hooks);
    const isChanged = corrected.outcomes.some(({ applied }) => applied);
    shared.noteCorrected(isChanged ? corrected.module.clone() : undefined);
    return corrected;
  };
  const chosen = asked.budget && (await chooseByBudget(await load(wayOut(asked)), options, asked, hooks));
  const resolved = chosen?.resolved ?? asked;
  const way = wayOut(resolved);
  return { way, chosen, resolved, passed: await load(way) };
}

/** The configuration of each layer, the dialect that can say it, and the opset that this needs. */
interface WayOut {
  readonly resolver: QConfigResolver;
  readonly dialect: Dialect;
  readonly opset: number;
}

function wayOut(resolved: ResolvedOptions): WayOut {
  const resolver = new QConfigResolver(resolved.qconfig, resolved.mapping, resolved.keepFloat);
  const dialect = chooseDialect(resolved, resolver);
  return { resolver, dialect, opset: neededOpset(dialect, resolved, resolver) };
}

/** The options with the backend's table loaded, where that is a file or a table of the caller's. */
async function resolveWithBackend(options: QuantizeOptions): Promise<ResolvedOptions> {
  if (options.backend === undefined) return resolveOptions(options);
  return resolveOptions({
    ...options,
    backend: await loadBackend(options.backend, extensionsOf(options.plugins).backends),
  });
}

/** Writes the quantizers in the dialect's operators, and how they were made into the metadata. */
function lowerTo(
  dialect: Dialect,
  module: GraphModule,
  options: QuantizeOptions,
  provenance: Omit<Provenance, 'dialect'>,
): { readonly diagnostics: readonly Diagnostic[]; readonly proof: UnsignedProof | undefined } {
  const { prepared, resolved } = provenance;
  const { accumulatorBits } = resolved.qconfig;
  // before the dialect takes the quantizers away
  const recorded =
    accumulatorBits === undefined ? undefined : recordAccumulators(module, prepared.layers, accumulatorBits);
  const diagnostics = dialect.lower(module, {
    allowPairSaturation: options.allowPairSaturation ?? false,
    guards: provenance.resolved.backend.guards ?? 'onnxruntime',
  });
  lint(module, `lowering to ${dialect.name}`);
  writeMetadata(module, { ...provenance, dialect: dialect.name });
  return {
    diagnostics: [...(recorded?.diagnostics ?? []), ...diagnostics],
    proof: recorded?.document(),
  };
}

/** The float model behind the passes; the runtime computes what is constant and has no kernel of ours. */
async function loadFused(
  model: ModelInput,
  options: QuantizeOptions,
  resolved: ResolvedOptions,
  opset: number,
  hooks: RunHooks,
): Promise<PassedModel> {
  const loaded = loadFloatModel(model, options);
  if (loaded.module.opset < opset) upgradeOpset(loaded.module, opset);
  await foldConstantsWith(loaded.module, constantEvaluator(loaded.module, hooks.open ?? openOrtNode));
  const passes = runFloatPasses(loaded.module, opset, resolved.extensions);
  // before the graph is copied: a copy has no notes
  if (options.provenance === true) keepProvenance(loaded.module);
  return { ...loaded, passes, rules: resolved.extensions.rules };
}

/** A float model, or the one that a quantized model stands for where that is asked for. */
function loadFloatModel(
  model: ModelInput,
  options: QuantizeOptions,
): { readonly module: GraphModule; readonly lifting: readonly Diagnostic[] } {
  const module = loadModel(model);
  const lifted = options.requantize === true ? liftModel(module, modelName(model)) : undefined;
  if (lifted === undefined) assertFloatModel(module, modelName(model));
  else asFloatModel(lifted);
  return { module, lifting: lifted?.diagnostics ?? [] };
}

/** Writes a quantized model in another dialect with the codes that it has; undefined where other codes are asked for. */
async function keepCodes(
  model: ModelInput,
  options: QuantizeOptions,
  hooks: RunHooks,
): Promise<QuantizeResult | undefined> {
  const clock = new Clock();
  const module = loadModel(model);
  const lifted = liftModel(module, modelName(model));
  if (lifted === undefined || !keepsCodes(lifted, options)) return undefined;
  if (options.output !== undefined) assertWritable(options.output);
  clock.lap('capture');
  const { dialect, bits, layers, diagnostics } = rewriteInDialect(lifted, options);
  const file = { dialect: { name: dialect }, model };
  const bytes = await emitLoadable(module, file, hooks);
  const float = await countFloat(model, options, hooks);
  const accuracy = await compareAccuracy(float, bytes, options, parseMaxDrop(options), hooks);
  hooks.signal?.throwIfAborted();
  if (options.output !== undefined) writeFileAtomically(options.output, bytes);
  clock.lap('emit');
  const said = (key: string): string => module.metadataProps.get(`bitwright.${key}`) ?? 'of the file';
  return {
    bytes,
    ...(options.output !== undefined && { output: options.output }),
    bits,
    scheme: said('scheme'),
    method: said('method'),
    backend: said('backend'),
    dialect,
    layers,
    fusions: [],
    diagnostics: [codesKept(lifted.dialect, dialect), ...diagnostics, ...accuracyDiagnostics(accuracy)],
    corrections: [],
    samples: 0,
    ...(accuracy && { accuracy }),
    seconds: clock.seconds(),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}

function codesKept(from: string, to: string): Diagnostic {
  return {
    code: 'REQUANTIZE_CODES_KEPT',
    severity: 'info',
    message: `The model has the widths that are asked for already: it was written from ${from} to ${to} with every code, scale and zero point as it was.`,
    at: {},
  };
}

function rejections(passes: FloatPassReport): Diagnostic[] {
  return passes.rejected.map(({ rule, node, code, reason }) => ({
    code,
    severity: 'info',
    message: `The rule '${rule}' does not apply at '${node}': ${reason}.`,
    at: { node },
  }));
}

/** Splits a run into phases, in seconds. */
class Clock {
  readonly #started = performance.now();
  #last = this.#started;
  readonly #laps = { capture: 0, calibrate: 0, round: 0, emit: 0 };

  /** Ends a phase; `calibrate` seconds of it count as calibration. */
  lap(phase: 'capture' | 'round' | 'emit', calibrate = 0): void {
    const now = performance.now();
    this.#laps[phase] += (now - this.#last) / 1000 - calibrate;
    this.#laps.calibrate += calibrate;
    this.#last = now;
  }

  seconds(): QuantizeResult['seconds'] {
    return { ...this.#laps, total: (performance.now() - this.#started) / 1000 };
  }
}
