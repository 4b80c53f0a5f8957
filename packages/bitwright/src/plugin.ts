/**
 * The door for authors of plugins: {@link definePlugin}, the language of patterns and rules, and the types of backend
 * tables, observers and rounding algorithms. What ships is written with nothing else.
 *
 * Operators of a domain of yours become known to the compiler by declaration merging:
 *
 * ```ts
 * declare module 'bitwright/plugin' {
 *   interface OpSchemas { 'my.domain.Swish': { inputs: 1; outputs: 1; attributes: { beta: number } } }
 * }
 * ```
 *
 * @packageDocumentation
 */
export {
  type BackendConfig,
  type BackendPatternConfig,
  type BackendTable,
  type DTypeConfig,
  type DTypeWithConstraints,
  defineBackend,
} from '@bitwright/backends';
export {
  BitwrightError,
  DenseTensor,
  type DType,
  elementCount,
  floatData,
  floatTensor,
  int64Tensor,
  integerData,
  LazyTensor,
  type Tensor,
} from '@bitwright/core';
export {
  Attributes,
  constantTensor,
  type GetAttrNode,
  type Graph,
  type GraphModule,
  nodeName,
  type OpNode,
  parseModule,
  printModule,
  type Value,
} from '@bitwright/graph';
export type {
  Correction,
  CorrectionOutcome,
  LayerCorrection,
  LayerEvidence,
  NetworkCorrection,
  Observer,
  Rounded,
  RoundedLayer,
  RoundingAlgorithm,
  RoundingLayer,
  RoundingSpec,
  RoundingStatistics,
} from '@bitwright/quantize';
export * from '@bitwright/rewrite';
export type { NoiseSource } from '@bitwright/simulate';
export {
  definePlugin,
  type OperatorDeclaration,
  PLUGIN_API_VERSION,
  type Plugin,
  type PluginInit,
} from './define-plugin.js';
