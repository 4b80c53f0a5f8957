import type { Tensor } from '@bitwright/core';
import type { InputSpec } from '@bitwright/data';

/**
 * How a model may be run: `default` is a stock session, what a user's program does; `faithful` keeps every quantizer and
 * float operator as written, so that fake quantization is simulated exactly.
 */
export const EXECUTION_MODES = ['default', 'faithful'] as const;

/** See {@link EXECUTION_MODES}. */
export type ExecutionMode = (typeof EXECUTION_MODES)[number];

/** A loaded model that runs batches. Where it runs (Node, browser) is the implementation's business. */
export interface Executor {
  /** What the model must be fed; initializers with defaults are not listed. */
  readonly inputs: readonly InputSpec[];
  readonly outputNames: readonly string[];
  /** Runs the model once. @param fetches the outputs wanted; all by default. */
  run(feeds: ReadonlyMap<string, Tensor>, fetches?: readonly string[]): Promise<Map<string, Tensor>>;
  /** Frees the session. */
  release(): Promise<void>;
}

/** How a session is opened. */
export interface ExecutorOptions {
  readonly mode?: ExecutionMode;
  /** How the model calls itself in messages, e.g. its path. */
  readonly name?: string;
  /** Threads inside of an operator; the runtime's choice by default. */
  readonly threads?: number;
  /**
   * True lets idle threads sleep instead of waiting busily: about half of the processor's time for many small operators, the same
   * results. The runtime's default is to wait.
   */
  readonly idleThreadsSleep?: boolean;
  /** Where the runtime writes the graph that it really runs. */
  readonly optimizedModelPath?: string;
}

/** Opens a model for running; one for each place where a runtime lives. */
export type OpenExecutor = (model: Uint8Array, options?: ExecutorOptions) => Promise<Executor>;
