import { BitwrightError } from '@bitwright/core';
import type { ShardScores } from './evaluate-shard.js';
import type { SweepSamples } from './sweep-data.js';
import type { Failure, LoadedSubject, SweepSetting, SweepSubject } from './sweep-plan.js';

/** A model with its samples, or why it has none. */
export interface Entrant {
  readonly subject: SweepSubject;
  readonly loaded?: LoadedSubject;
  readonly samples?: SweepSamples;
  readonly failure?: Failure;
}

/** What became of a float model or a cell: its scores on every shard, or what it ended with. */
export interface CellOutcome {
  readonly scores: ShardScores[];
  failure?: Failure;
  /** Size and dialect of the quantized file. */
  size?: number;
  dialect?: string;
  /** Name of the emitted file. */
  file?: string;
}

/** The outcomes of a run, found by model and setting. */
export interface SweepOutcomes {
  float(entrant: Entrant): CellOutcome;
  cell(entrant: Entrant, setting: SweepSetting): CellOutcome;
}

/** Where the time of a sweep went; it differs from run to run, so it is no part of the document. */
export interface CellTiming {
  readonly model: string;
  readonly bits: string;
  readonly scheme?: string;
  readonly method?: string;
  readonly convertSeconds: number;
  readonly evaluateSeconds: number;
}

/** What a thrown thing says as the failure of a model or cell. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof BitwrightError) return thrown.toJSON();
  return {
    code: 'INTERNAL',
    message: `Bitwright failed in a way that it should not: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    hint: 'Quantize this model alone with --debug and report it with the stack trace.',
    at: {},
  };
}

const FATAL = new Set(['OUTPUT_UNWRITABLE', 'SWEEP_INTERRUPTED', 'DATA_LABELS_MISSING']);

/** True for what ends the whole sweep, and not only the cell that met it. */
export function isFatal(thrown: unknown): boolean {
  return thrown instanceof BitwrightError && FATAL.has(thrown.code);
}
