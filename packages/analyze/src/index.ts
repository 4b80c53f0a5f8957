export type {
  CertificateDocument,
  CertifiedNode,
  CertifiedTiming,
  SaturationRisk,
} from './certify/certificate-document.js';
export { type CertifiedGraphs, certifyGraphs } from './certify/certify-graphs.js';
export { type TimingOptions, timeModels } from './certify/time-models.js';
export {
  type AccuracyContext,
  type CountedAnswers,
  diagnoseAccuracy,
  diagnoseFloatAccuracy,
} from './diagnose/diagnose-accuracy.js';
export { diagnoseGraph } from './diagnose/diagnose-graph.js';
export type { DiagnosedGraph } from './diagnose/graph-rule.js';
export type { DiffDocument, DiffLayer } from './diff/diff-document.js';
export { diffGraphs } from './diff/diff-graphs.js';
export { diffOutputs, type OutputDiff, type OutputDiffOptions } from './diff/diff-outputs.js';
export { DOCUMENTS, jsonSchemaText } from './documents.js';
export { diagnosticOf } from './error-document.js';
export { FileJournal } from './node/file-journal.js';
export { openOptimized } from './node/optimized-graph.js';
export { readPageAssets } from './node/page-assets.js';
export { openWorkerPool } from './node/worker-pool.js';
export { describeGraph } from './report/describe-graph.js';
export type { LayerFacts } from './report/describe-layers.js';
export { describeVariant, packedBytes, toldOf, type VariantSubject } from './report/describe-variant.js';
export { type PageAssets, renderReport } from './report/render-report.js';
export {
  type ParetoPoint,
  type ReportDocument,
  type ReportLayer,
  type ReportModel,
  type ReportTensor,
  type ReportVariant,
  reportDocument,
} from './report/report-document.js';
export type { ReportSimulation, ReportTrace } from './report/simulation-document.js';
export { BitSet } from './statistics/bit-set.js';
export { type McNemar, mcNemar } from './statistics/mcnemar.js';
export { type OutputKind, outputDivergence } from './statistics/output-divergence.js';
export { type Interval, wilsonInterval } from './statistics/wilson.js';
export { digest } from './sweep/digest.js';
export { type EvaluationPool, inThisThread } from './sweep/evaluation-pool.js';
export type { SweepJournal } from './sweep/journal.js';
export { runSweep, type SweepOptions, type SweepResult } from './sweep/run-sweep.js';
export type { SweepComparison, SweepDocument, SweepFloat, SweepRun } from './sweep/sweep-document.js';
export { otherSweep } from './sweep/sweep-ledger.js';
export type { CellTiming } from './sweep/sweep-outcome.js';
export type {
  ConvertedCell,
  LoadedSubject,
  SweepCell,
  SweepPlan,
  SweepSetting,
  SweepSubject,
} from './sweep/sweep-plan.js';
export type { CellFiles } from './sweep/sweep-runner.js';
export { comparisonsCsv, runsCsv, sweepMarkdown } from './sweep/tables.js';
