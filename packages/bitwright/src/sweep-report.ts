import { diagnosticOf, type ReportDocument, type SweepResult, type SweepSetting } from '@bitwright/analyze';
import type { SampleSource } from '@bitwright/data';
import { buildReport, type ReportedModel } from './build-report.js';
import { openDataInput } from './data-input.js';
import { type DescribedQuantization, describeQuantization } from './describe-quantization.js';
import { inputSpecs, loadModel, modelBytes } from './model-file.js';
import { type QuantizeResult, quantize } from './quantize.js';
import type { RunHooks } from './run-hooks.js';
import { SharedWork } from './shared-work.js';
import type { SweepOptions } from './sweep.js';
import { settingWords, sharedOptions } from './sweep-options.js';

/** Quantizations that a report shows in detail, all models together: each costs some 100 KB. */
const DETAILED = 21;
/** Calibration samples on which the noise of the layers is measured. */
const NOISE_SAMPLES = 16;

/** A quantization that was kept for the report, and its description where that is under way. */
interface Kept {
  readonly result: QuantizeResult;
  readonly described?: Promise<DescribedQuantization>;
}

/**
 * The quantizations of a sweep, with the work that those of one model share; the first ones of each model are kept for the
 * report, and described while others are counted.
 */
export class SweepDetails {
  /** How many quantizations of a model a report shows in detail. */
  readonly perModel: number;
  readonly #shared: ReadonlyMap<string, SharedWork>;
  readonly #kept = new Map<string, Map<string, Kept>>();
  #describing: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(
    readonly models: readonly string[],
    private readonly options: SweepOptions,
    private readonly hooks: RunHooks,
  ) {
    this.#shared = new Map(models.map((path) => [path, new SharedWork()]));
    this.perModel = Math.max(1, Math.floor(DETAILED / models.length));
  }

  sharedOf(path: string): SharedWork {
    return this.#shared.get(path)!;
  }

  /** Quantizes a model; again only when its result was not kept. */
  async quantize(path: string, setting: SweepSetting, data: SampleSource): Promise<Kept> {
    const key = JSON.stringify(setting);
    const kept = this.#kept.get(path) ?? new Map<string, Kept>();
    this.#kept.set(path, kept);
    const held = kept.get(key);
    if (held !== undefined) return held;
    const { samples = 1024 } = this.options;
    const options = { ...sharedOptions(this.options), ...settingWords(setting), samples, data };
    const result = await quantize(path, options, this.hooks, this.sharedOf(path));
    if (kept.size >= this.perModel) return { result };
    const made = { result, ...this.#describeEarly(path, result) };
    kept.set(key, made);
    return made;
  }

  /** Begins no further description: nobody will read it. */
  close(): void {
    this.#closed = true;
  }

  /** One description at a time, beside the counting; not before the distributions are known. */
  #describeEarly(path: string, result: QuantizeResult): Pick<Kept, 'described'> {
    const shared = this.sharedOf(path);
    if (!shared.hasObservations) return {};
    // what the quantization began with: the next one may begin with another
    const float = shared.floatModel();
    const described = this.#describing.then(async () => {
      if (this.#closed) throw new Error('the sweep has ended');
      return describeQuantization({
        path,
        result,
        float,
        shared,
        data: await this.open(path, NOISE_SAMPLES),
      });
    });
    // told where the report waits for it
    this.#describing = described.catch(() => undefined);
    return { described };
  }

  /** Sees to it that the distributions are known, which a method that goes layer by layer does not leave behind. */
  async observe(path: string, setting: SweepSetting, data: SampleSource): Promise<void> {
    if (this.sharedOf(path).hasObservations) return;
    const { samples = 1024 } = this.options;
    const options = { ...sharedOptions(this.options), ...settingWords(setting), samples, data };
    await quantize(path, { ...options, method: 'fast' }, this.hooks, this.sharedOf(path));
  }

  /** A model's calibration samples. */
  open(path: string, samples: number): Promise<SampleSource> {
    return openDataInput(this.options.data, inputSpecs(loadModel(path)), { samples });
  }
}

/** The report of a finished sweep. Cells that failed have no details; settings beyond the first so many have figures only. */
export async function sweepReport(
  { document, digests }: SweepResult,
  options: SweepOptions,
  details: SweepDetails,
): Promise<ReportDocument> {
  const models: ReportedModel[] = [];
  for (const float of document.floats) {
    const path = float.model;
    const runs = document.runs.filter((run) => run.model === path && run.error === undefined);
    const data = await details.open(path, options.samples ?? 1024);
    const variants: ReportedModel['variants'][number][] = [];
    for (const { bits, scheme, method, correct, total, diagnostics } of runs.slice(0, details.perModel)) {
      const { result, described } = await details.quantize(path, { bits, scheme, method }, data);
      variants.push({
        result,
        ...(described && { described }),
        accuracy: { correct: correct!, total: total! },
        ...(diagnostics && { diagnostics: diagnostics.map(diagnosticOf) }),
      });
    }
    if (variants.length === 0) continue;
    await details.observe(path, runs[0]!, data);
    models.push({
      path,
      sha256: float.sha256,
      bytes: modelBytes(path).length,
      float: { correct: float.correct, total: float.total },
      variants,
      shared: details.sharedOf(path),
      data: await details.open(path, NOISE_SAMPLES),
    });
  }
  return buildReport(models, {
    title: `Sweep of ${details.models.length} models`,
    command: options.command ?? 'bitwright sweep',
    data: [
      { role: 'calibration', ...document.calibration, sha256: digests.calibration },
      { role: 'evaluation', ...document.evaluation, sha256: digests.evaluation },
    ],
    sweep: document,
  });
}
