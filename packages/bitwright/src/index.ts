/**
 * Bitwright compiles float ONNX models into quantized ONNX at any bitwidth, and proves what it did.
 *
 * ```ts
 * import { quantize } from 'bitwright';
 * const { bytes, layers } = await quantize('model.onnx', { bits: 'W4A4', data: 'calibration.json' });
 * ```
 *
 * @packageDocumentation
 */
export type {
  CertificateDocument,
  CertifiedNode,
  CertifiedTiming,
  DiffDocument,
  DiffLayer,
  SaturationRisk,
  SweepComparison,
  SweepDocument,
  SweepFloat,
  SweepRun,
} from '@bitwright/analyze';
export {
  type BackendConfig,
  type BackendPatternConfig,
  type BackendTable,
  type DTypeConfig,
  type DTypeWithConstraints,
  defineBackend,
  type ObservationType,
} from '@bitwright/backends';
export { BitwrightError, type Diagnostic, type ErrorPlace } from '@bitwright/core';
export type { AccuracyComparison } from './accuracy-gate.js';
export { type CertifyOptions, certify } from './certify.js';
export { type BitwrightConfig, type ConfigFile, defineConfig } from './config.js';
export type { Plugin } from './define-plugin.js';
export { type DiffOptions, diff } from './diff.js';
export { type EvaluateModelsOptions, evaluateModels, type ModelEvaluation } from './evaluate-models.js';
export { type Explanation, explain } from './explain.js';
export type { NearMiss } from './explain-node.js';
export { EXPORT_FORMS, type ExportModelOptions, exportModel, type ModelExport } from './export-model.js';
export { type Inspection, type InspectOptions, inspect } from './inspect.js';
export type { GridReport, LayerReport } from './layer-report.js';
export type { ModelInput } from './model-file.js';
export { loadBackend } from './node/load-backend.js';
export { loadPlugins } from './node/load-plugins.js';
export type { NodeFate } from './node-fates.js';
export { type QuantizeResult, quantize } from './quantize.js';
export { type FrontOptions, type FrontResult, quantizeFront } from './quantize-front.js';
export type { DataInput, QuantizeOptions } from './quantize-options.js';
export { quantizeWithReport, type ReportRequest } from './quantize-report.js';
export type { RunHooks } from './run-hooks.js';
export {
  type ModelSimulation,
  type SimulateModelOptions,
  type SweepPoint,
  simulateModel,
} from './simulate-model.js';
export { type SweepOptions, type SweepOutcome, sweep } from './sweep.js';
export type { SweepAxes } from './sweep-options.js';
export { type TraceModelOptions, traceModel } from './trace-model.js';
export { VERSION } from './version.js';
