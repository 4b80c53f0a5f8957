import type { Diagnostic } from '@bitwright/core';
import type { OpenExecutor } from '@bitwright/runtime';

/** What a call reports while it works, and how it is stopped. */
export interface RunHooks {
  readonly onProgress?: (phase: string, done: number, total: number | undefined) => void;
  /** Hears at once what should not wait for the end; the result has it too. */
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
  readonly signal?: AbortSignal;
  /** Opens models for running; onnxruntime-node by default. */
  readonly open?: OpenExecutor;
}
