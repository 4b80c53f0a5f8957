import type { OpenExecutor } from '@bitwright/runtime';

/** What a call reports while it works, and how it is stopped. */
export interface RunHooks {
  readonly onProgress?: (phase: string, done: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
  /** Opens models for running; onnxruntime-node by default. */
  readonly open?: OpenExecutor;
}
