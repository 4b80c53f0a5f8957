import type { BitwrightError } from '@bitwright/core';
import type { InputSpec, SampleSource } from '@bitwright/data';
import type { ExecutionMode } from '@bitwright/runtime';
import type { OutputKind } from '../statistics/output-divergence.js';

/** One setting of a sweep: what a cell is beside its model. */
export interface SweepSetting {
  /** As in W4A4. */
  readonly bits: string;
  readonly scheme: string;
  readonly method: string;
}

/** A model of a sweep, before it is read. */
export interface SweepSubject {
  /** The path as it was given. */
  readonly path: string;
  /** Reads the model. @throws coded errors; the model's cells then fail with them. */
  load(): Promise<LoadedSubject>;
}

/** A quantized model in memory. */
export interface ConvertedCell {
  readonly bytes: Uint8Array;
  readonly dialect: string;
}

/** A model that has been read. */
export interface LoadedSubject {
  readonly sha256: string;
  readonly inputs: readonly InputSpec[];
  /** The float model's file. */
  readonly bytes: Uint8Array;
  readonly outputKind: OutputKind;
  /**
   * Quantizes the model. What widths have in common (the passes, what calibration observes) is done once, at the first
   * call.
   */
  convert(setting: SweepSetting, calibration: SampleSource): Promise<ConvertedCell>;
}

/** What a sweep compares, and with what. */
export interface SweepPlan {
  readonly subjects: readonly SweepSubject[];
  readonly settings: readonly SweepSetting[];
  /** Opens the samples for a model's inputs. */
  readonly calibration: (inputs: readonly InputSpec[]) => Promise<SampleSource>;
  readonly evaluation: (inputs: readonly InputSpec[]) => Promise<SampleSource>;
  /** Whatever else decides the result: versions, and the options that all cells share. */
  readonly identity: Readonly<Record<string, string>>;
  /** The output that holds the logits; the only one by default. */
  readonly output?: string;
  /** How quantized models are run; float ones run in a stock session. */
  readonly mode: ExecutionMode;
  /** How many samples of the evaluation go into one run before they are divided: the model's own batch where it is fixed. */
  readonly batchSize: (inputs: readonly InputSpec[]) => number;
}

/** A cell of a sweep: a model at a setting. */
export interface SweepCell {
  readonly subject: SweepSubject;
  readonly setting: SweepSetting;
}

/** The name of a cell, for messages and files. */
export function cellName({ subject, setting }: SweepCell): string {
  return `${subject.path} at ${setting.bits}, ${setting.scheme}, ${setting.method}`;
}

/** Something that one model or cell ended with. */
export type Failure = Pick<BitwrightError, 'code' | 'message' | 'hint' | 'at'>;
