export { batchSizeFor } from './batch-size.js';
export { constantEvaluator } from './constant-evaluator.js';
export { type EvaluateOptions, type Evaluation, evaluate } from './evaluate.js';
export {
  EXECUTION_MODES,
  type ExecutionMode,
  type Executor,
  type ExecutorOptions,
  type OpenExecutor,
} from './executor.js';
export { indexOfLargest, logitRows, logitsName, rankOfLabel } from './logits.js';
export { openOrtNode } from './node/ort-node-executor.js';
export { codeTensor, ModelSketch, randomCodes, randomFloats, type SketchGrid } from './traps/model-sketch.js';
export { probeTrapModel, probeTraps, TRAPS, type TrapFinding } from './traps/probe-traps.js';
export type { Trap, TrapModel, TrapName, TrapReport } from './traps/trap.js';
