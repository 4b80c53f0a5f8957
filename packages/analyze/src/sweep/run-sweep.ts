import { BitwrightError, type Diagnostic } from '@bitwright/core';
import { diagnosticOf } from '../error-document.js';
import { buildDocument } from './build-document.js';
import { digestJson } from './digest.js';
import type { SweepJournal } from './journal.js';
import { SweepData } from './sweep-data.js';
import type { SweepDocument } from './sweep-document.js';
import { openLedger } from './sweep-ledger.js';
import { type CellTiming, type Entrant, failureOf } from './sweep-outcome.js';
import type { LoadedSubject, SweepPlan, SweepSubject } from './sweep-plan.js';
import { type RunnerOptions, SweepRunner } from './sweep-runner.js';

/** What a sweep works with beside its plan. */
export interface SweepOptions extends RunnerOptions {
  readonly journal: SweepJournal;
  /** Goes on with a journal of the same sweep. */
  readonly resume: boolean;
}

/** A sweep's result and what is told beside it. */
export interface SweepResult {
  readonly document: SweepDocument;
  readonly timings: readonly CellTiming[];
  readonly diagnostics: readonly Diagnostic[];
  /** Digests of the samples, as the first model is fed with them. */
  readonly digests: { readonly calibration: string; readonly evaluation: string };
}

/**
 * Counts every model at every setting over the same labelled samples. Samples are decoded once, each model is calibrated
 * once, each cell is quantized in memory and run as the plan's mode says; finished jobs are appended to the
 * journal under the digest of what decides them, so that a killed sweep goes on where it was.
 *
 * A failing model or cell is reported in the document, and the rest goes on.
 *
 * @throws SWEEP_FOLDER_OTHER, SWEEP_EXISTS, DATA_LABELS_MISSING, SWEEP_INTERRUPTED, and OUTPUT_UNWRITABLE when the journal
 *   or an emitted file can't be written; the journal keeps what was done.
 */
export async function runSweep(plan: SweepPlan, options: SweepOptions): Promise<SweepResult> {
  const data = new SweepData(plan);
  const entrants: Entrant[] = [];
  for (const subject of plan.subjects) {
    options.signal?.throwIfAborted();
    options.onProgress?.('reading models and data', entrants.length, plan.subjects.length);
    entrants.push(await enter(subject, data));
  }
  const sweep = await sweepDigest(plan, entrants);
  const ledger = await openLedger(options.journal, sweep, options.resume);
  const runner = new SweepRunner(plan, options, ledger, entrants);
  await runner.run();
  const document = buildDocument(plan, entrants, sweep, runner);
  const counted = [...document.floats, ...document.runs].flatMap(({ diagnostics = [] }) => diagnostics);
  return {
    document,
    timings: runner.timings,
    diagnostics: [...data.diagnostics, ...counted.map(diagnosticOf)],
    digests: {
      calibration: entrants.find(({ samples }) => samples)?.samples?.calibrationDigest ?? '',
      evaluation: entrants.find(({ samples }) => samples)?.samples?.evaluationDigest ?? '',
    },
  };
}

async function enter(subject: SweepSubject, data: SweepData): Promise<Entrant> {
  let loaded: LoadedSubject;
  try {
    loaded = await subject.load();
  } catch (thrown) {
    return { subject, failure: failureOf(thrown) };
  }
  try {
    return { subject, loaded, samples: await data.for(loaded.inputs) };
  } catch (thrown) {
    // labels are missing for every model alike, and so are files; a shape fits one model and not another
    if (!(thrown instanceof BitwrightError) || !PER_MODEL.has(thrown.code)) throw thrown;
    return { subject, loaded, failure: failureOf(thrown) };
  }
}

const PER_MODEL = new Set(['DATA_SHAPE', 'DATA_INPUT_NAME', 'DATA_DTYPE']);

function sweepDigest(plan: SweepPlan, entrants: readonly Entrant[]): Promise<string> {
  return digestJson({
    version: 3,
    identity: Object.entries(plan.identity).sort(([a], [b]) => (a < b ? -1 : 1)),
    models: entrants.map(({ subject, loaded, samples, failure }) => [
      subject.path,
      loaded?.sha256 ?? '',
      samples?.calibrationDigest ?? '',
      samples?.evaluationDigest ?? '',
      failure?.code ?? '',
    ]),
    settings: plan.settings.map(({ bits, scheme, method }) => [bits, scheme, method]),
    output: plan.output ?? '',
    mode: plan.mode,
  });
}
