import {
  type CellTiming,
  digest,
  inThisThread,
  type LoadedSubject,
  openWorkerPool,
  readPageAssets,
  renderReport,
  runSweep,
  type SweepDocument,
  type SweepPlan,
  type SweepSubject,
} from '@bitwright/analyze';
import { BitwrightError, type Diagnostic } from '@bitwright/core';
import type { GraphModule } from '@bitwright/graph';
import { batchSizeFor, EXECUTION_MODES, type ExecutionMode } from '@bitwright/runtime';
import { openDataInput } from './data-input.js';
import { extensionsOf } from './extensions.js';
import { assertFloatModel, inputSpecs, loadModel, modelBytes } from './model-file.js';
import { isBackendFile, loadBackend } from './node/load-backend.js';
import { cellFolder, SweepFolder } from './node/sweep-folder.js';
import { hostFacts, versions } from './node/versions.js';
import {
  calibrationSamples,
  type DataInput,
  oneOf,
  positiveInteger,
  resolveOptions,
} from './quantize-options.js';
import type { RunHooks } from './run-hooks.js';
import {
  type SharedOptions,
  type SweepAxes,
  settingWords,
  sharedOptions,
  sharedText,
  sweepSettings,
} from './sweep-options.js';
import { SweepDetails, sweepReport } from './sweep-report.js';

/** What is compared, on which data, and where the results go. */
export interface SweepOptions extends SweepAxes, SharedOptions {
  /** Calibration data; no labels needed. */
  readonly data: DataInput;
  /** Uses the first so many calibration samples; 1024 by default. */
  readonly samples?: number;
  /** Labelled data that every model is counted on. */
  readonly evaluation: DataInput;
  /** Uses the first so many evaluation samples; all by default. */
  readonly evaluationSamples?: number;
  /** The folder of the journal and the results. */
  readonly report: string;
  /** The folder of the quantized files; without it they are made in memory only. */
  readonly emit?: string;
  /** Goes on with the sweep that the report folder holds. */
  readonly resume?: boolean;
  /** The output that holds the logits, where a model has several. */
  readonly output?: string;
  /** How quantized models are run: `faithful` (default) simulates quantizers exactly, `default` is a stock session. */
  readonly mode?: ExecutionMode;
  /** Worker threads; one for each core by default. */
  readonly workers?: number;
  /** The command line that the report shows for making it again. */
  readonly command?: string;
}

/** A finished sweep. */
export interface SweepOutcome {
  readonly document: SweepDocument;
  readonly timings: readonly CellTiming[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Compares float models at many widths, schemes and methods on the same labelled samples, and writes the figures with their
 * statistics into the report folder. The figures are those of `evaluate --faithful` on the files that `quantize` writes; with the
 * mode `default`, of `evaluate` on them.
 *
 * @throws BitwrightError; a failing model or cell is no error but part of the result. What is done stays in the journal.
 */
export async function sweep(
  models: readonly string[],
  options: SweepOptions,
  hooks: RunHooks = {},
): Promise<SweepOutcome> {
  const started = performance.now();
  const { backend } = options;
  const isElsewhere =
    typeof backend === 'string' && (isBackendFile(backend) || (options.plugins ?? []).length > 0);
  const loaded = isElsewhere
    ? { ...options, backend: await loadBackend(backend, extensionsOf(options.plugins).backends) }
    : options;
  const details = new SweepDetails(models, loaded, hooks);
  const plan = planSweep(models, loaded, details);
  const folder = new SweepFolder(options.report);
  const files = options.emit === undefined ? undefined : cellFolder(options.emit, models);
  const pool = hooks.open === undefined ? openWorkerPool(options.workers) : inThisThread(hooks.open);
  try {
    const result = await runSweep(plan, {
      pool,
      journal: folder.journal,
      resume: options.resume ?? false,
      ...(files && { files }),
      ...(hooks.onProgress && { onProgress: hooks.onProgress }),
      ...(hooks.signal && { signal: hooks.signal }),
    });
    folder.writeResults(result.document);
    const report = await sweepReport(result, options, details);
    folder.write('report.json', `${JSON.stringify(report)}\n`);
    folder.write('report.html', await renderReport(report, readPageAssets()));
    const seconds = (performance.now() - started) / 1000;
    const timings = { host: hostFacts(), workers: pool.size, seconds, cells: result.timings };
    folder.write('timings.json', `${JSON.stringify(timings, undefined, 2)}\n`);
    return result;
  } finally {
    details.close();
    await pool.close();
  }
}

function planSweep(models: readonly string[], options: SweepOptions, details: SweepDetails): SweepPlan {
  const settings = sweepSettings(options);
  const shared = sharedOptions(options);
  const resolved = settings.map((setting) => resolveOptions({ ...shared, ...settingWords(setting) }));
  const selection = calibrationSamples(options.samples);
  const counted = options.evaluationSamples;
  if (counted !== undefined) positiveInteger('--eval-samples', counted);
  if (options.workers !== undefined) positiveInteger('--workers', options.workers, 2);
  const repeated = models.find((model, index) => models.indexOf(model) !== index);
  if (repeated !== undefined) throw modelTwice(repeated);
  const { bitwright, onnxruntime } = versions();
  return {
    subjects: models.map((model) => subjectOf(model, details)),
    settings,
    calibration: (inputs) => openDataInput(options.data, inputs, selection),
    evaluation: (inputs) =>
      openDataInput(options.evaluation, inputs, {
        labels: 'needed',
        ...(counted !== undefined && { samples: counted }),
      }),
    identity: {
      bitwright,
      onnxruntime,
      options: sharedText(shared),
      backends: JSON.stringify([...new Set(resolved.map(({ backend }) => backend))]),
    },
    mode: oneOf('--mode', options.mode ?? 'faithful', EXECUTION_MODES),
    batchSize: batchSizeFor,
    ...(options.output !== undefined && { output: options.output }),
  };
}

function subjectOf(path: string, details: SweepDetails): SweepSubject {
  return {
    path,
    async load(): Promise<LoadedSubject> {
      const bytes = modelBytes(path);
      const module = loadModel(path);
      assertFloatModel(module, path);
      return {
        sha256: await digest(bytes),
        inputs: inputSpecs(module),
        bytes,
        outputKind: endsInSoftmax(module) ? 'probabilities' : 'logits',
        async convert(setting, calibration) {
          const { result } = await details.quantize(path, setting, calibration);
          return { bytes: result.bytes, dialect: result.dialect };
        },
      };
    },
  };
}

function endsInSoftmax({ graph }: GraphModule): boolean {
  const producer = graph.outputs[0]?.producer;
  return producer?.kind === 'op' && producer.is('Softmax');
}

function modelTwice(path: string): BitwrightError {
  return new BitwrightError({
    code: 'USAGE',
    message: `The model '${path}' is given twice.`,
    hint: 'Give each model once.',
    kind: 'usage',
  });
}
