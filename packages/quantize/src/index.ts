export { type AccumulatorProof, type ChannelProof, proveAccumulators } from './accumulators.js';
export {
  applyObservations,
  applyRanges,
  type CalibrateOptions,
  type Calibration,
  calibrate,
} from './calibrate.js';
export { type ConvertOptions, convert } from './convert.js';
export { convertWithRounding } from './convert-with-rounding.js';
export { type ChannelExtremes, type MeasureOptions, measureChannels } from './correct/channel-extremes.js';
export { ChannelMoments, type StatedMoments, statedMoments } from './correct/channel-moments.js';
export type { LayerCorrections } from './correct/correct-layer.js';
export type {
  ChannelKnowledge,
  Correction,
  CorrectionOutcome,
  LayerCorrection,
  LayerEvidence,
  NetworkCorrection,
  RoundedLayer,
} from './correct/correction.js';
export { type ExpectedInputs, expectedInputs } from './correct/expected-inputs.js';
export { CORRECTIONS, type CorrectionPlan, planCorrections } from './correct/registry.js';
export { type Equalization, type EqualizeOptions, equalize, type SpaceOutcome } from './equalize/equalize.js';
export { type EntryExplanation, explainTable } from './explain-table.js';
export type { GridConstraints } from './grid-constraints.js';
export { GrowingStatistics } from './growing-statistics.js';
export { type LayerPlan, type PlannedLayer, planLayers } from './layer-plan.js';
export type { LayerPosition } from './layer-positions.js';
export { type Budget, type BudgetKind, parseBudget } from './mixed/budget.js';
export {
  type BudgetLayer,
  type BudgetPoint,
  type BudgetReport,
  type ChooseWidthsOptions,
  chooseWidths,
} from './mixed/choose-widths.js';
export type { LatencyTable } from './mixed/latency-table.js';
export { costText } from './mixed/layer-costs.js';
export { startObservationWorkers } from './node/observation-workers.js';
export { openSpillFile } from './node/spill-file.js';
export type { ObservationHelpers, ObservationShard } from './observation-shard.js';
export { type Observations, type ObserveOptions, observeModel } from './observe.js';
export { FloatHistogram } from './observers/float-histogram.js';
export type { Observer } from './observers/observer.js';
export { findObserver, OBSERVERS } from './observers/registry.js';
export type { FloatReason } from './operand-roles.js';
export { type ObserverGroup, type PreparedLayer, type PreparedModel, prepare } from './prepare.js';
export {
  type Bits,
  formatBits,
  parseBits,
  type QConfig,
  type QConfigMapping,
  QConfigResolver,
  type QConfigSelector,
} from './qconfig.js';
export type { QConfigOverride } from './qconfig-override.js';
export { type CalibratedRange, type CalibratedRanges, formatRanges, parseRanges } from './ranges.js';
export { RECIPES, type Recipe } from './recipes.js';
export { type FloatModel, rememberFloat } from './reconstruct/latent-weights.js';
export type { ReconstructionPlan } from './reconstruct/plan.js';
export { type BlockOutcome, type ReconstructOptions, reconstruct } from './reconstruct/reconstruct.js';
export { nearestRounding } from './rounding/nearest.js';
export { findRounding, ROUNDINGS } from './rounding/registry.js';
export type {
  DataFreeRounding,
  Rounded,
  RoundingAlgorithm,
  RoundingLayer,
  RoundingSpec,
  RoundingStatistics,
  RoundingTools,
  SecondOrderRounding,
} from './rounding/rounding-algorithm.js';
export { weightQParams } from './rounding/weight-scale.js';
export {
  quantizeSequentially,
  type SequentialOptions,
  type SequentialResult,
} from './sequential/sequential-pass.js';
export { toFloatModel } from './to-float.js';
