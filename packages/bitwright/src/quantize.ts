import type { Diagnostic } from '@bitwright/core';
import { assertWritable, writeFileAtomically } from '@bitwright/core/node';
import { type Dialect, findDialect } from '@bitwright/dialects';
import { emitBytes } from '@bitwright/emit';
import { lint } from '@bitwright/graph';
import { type Bits, formatRanges, prepare, QConfigResolver } from '@bitwright/quantize';
import { type AccuracyComparison, compareAccuracy } from './accuracy-gate.js';
import { type FloatPassReport, runFloatPasses } from './float-passes.js';
import { type LayerReport, reportLayers } from './layer-report.js';
import { writeMetadata } from './metadata.js';
import { assertFloatModel, inputSpecs, loadModel, type ModelInput, modelName } from './model-file.js';
import {
  missingData,
  type QuantizeOptions,
  type ResolvedOptions,
  resolveOptions,
} from './quantize-options.js';
import { quantizePrepared } from './quantize-prepared.js';
import type { RunHooks } from './run-hooks.js';

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
  readonly samples: number;
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
 * @throws BitwrightError; no output is written then.
 */
export async function quantize(
  model: ModelInput,
  options: QuantizeOptions,
  hooks: RunHooks = {},
): Promise<QuantizeResult> {
  const clock = new Clock();
  const resolved = resolveOptions(options);
  if (options.data === undefined && (options.ranges === undefined || resolved.recipe.rounding !== undefined))
    throw missingData();
  for (const path of [options.output, options.saveRanges]) if (path !== undefined) assertWritable(path);
  const module = loadModel(model);
  assertFloatModel(module, modelName(model));
  const resolver = new QConfigResolver(resolved.qconfig, resolved.mapping, resolved.keepFloat);
  const dialect = chooseDialect(resolved, resolver);
  const passes = runFloatPasses(module, neededOpset(dialect, resolved, resolver));
  const specs = inputSpecs(module);
  const prepared = prepare(module, resolved.backend, resolver);
  clock.lap('capture');

  const calibration = await quantizePrepared(prepared, { options, resolved, specs, hooks });
  clock.lap('round', calibration.calibrateSeconds);
  const layers = reportLayers(prepared);

  const lowering = dialect.lower(module, { allowPairSaturation: options.allowPairSaturation ?? false });
  lint(module, `lowering to ${dialect.name}`);
  writeMetadata(module, { resolved, dialect: dialect.name, layers, samples: calibration.ranges.samples });
  const bytes = emitBytes(module);
  const accuracy = await compareAccuracy(model, bytes, options, resolved.maxDrop, hooks);
  hooks.signal?.throwIfAborted();
  if (options.saveRanges !== undefined)
    writeFileAtomically(options.saveRanges, formatRanges(calibration.ranges));
  if (options.output !== undefined) writeFileAtomically(options.output, bytes);
  clock.lap('emit');

  return {
    bytes,
    ...(options.output !== undefined && { output: options.output }),
    bits: resolved.bits,
    scheme: resolved.scheme,
    method: resolved.method,
    backend: resolved.backend.name,
    dialect: dialect.name,
    layers,
    fusions: passes.applied,
    diagnostics: [...passes.diagnostics, ...rejections(passes), ...calibration.diagnostics, ...lowering],
    samples: calibration.ranges.samples,
    ...(accuracy && { accuracy }),
    seconds: clock.seconds(),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}

function chooseDialect(resolved: ResolvedOptions, resolver: QConfigResolver): Dialect {
  const widths = resolver.allBits().map((bits) => bits.activations);
  return findDialect(
    resolved.dialect,
    widths.some((bits) => bits < 8),
  );
}

/** The opset that the dialect needs for every width that was asked for. */
function neededOpset(dialect: Dialect, resolved: ResolvedOptions, resolver: QConfigResolver): number {
  const grid = { signed: true, quantMin: 0, quantMax: 0 };
  const firstLast = resolved.backend.firstLastBits;
  const ends = firstLast === undefined ? [] : [{ weights: firstLast, activations: firstLast }];
  let opset = 13;
  for (const { weights, activations } of [...resolver.allBits(), ...ends]) {
    opset = Math.max(
      opset,
      dialect.opsetFor({ ...grid, role: 'weight', bits: weights }),
      dialect.opsetFor({ ...grid, role: 'activation', bits: activations }),
    );
  }
  const biasBits = { int32: 32, int16: 16, int8: 8, float: 32 }[resolved.qconfig.bias];
  return Math.max(opset, dialect.opsetFor({ ...grid, role: 'bias', bits: biasBits }));
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
