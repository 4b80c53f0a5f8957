export type {
  CertificateDocument,
  CertifiedNode,
  CertifiedTiming,
  SaturationRisk,
} from './certify/certificate-document.js';
export type { DiffDocument, DiffLayer } from './diff/diff-document.js';
export { DOCUMENTS, jsonSchemaText } from './documents.js';
export {
  type ParetoPoint,
  type ReportDocument,
  type ReportLayer,
  type ReportModel,
  type ReportTensor,
  type ReportVariant,
  reportDocument,
} from './report/report-document.js';
export { BitSet } from './statistics/bit-set.js';
export { type McNemar, mcNemar } from './statistics/mcnemar.js';
export { type OutputKind, outputDivergence } from './statistics/output-divergence.js';
export { type Interval, wilsonInterval } from './statistics/wilson.js';
export type { SweepComparison, SweepDocument, SweepFloat, SweepRun } from './sweep/sweep-document.js';
