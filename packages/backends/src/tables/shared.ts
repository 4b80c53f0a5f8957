import {
  ALL_WIDTHS,
  type BackendPatternConfig,
  type DTypeConfig,
  type DTypeWithConstraints,
} from '../backend-config.js';

/** An activation of any width on a grid of its own. */
export const activation: DTypeWithConstraints = { bits: ALL_WIDTHS };

/** Weights of any width, per channel where asked. */
export const weight: DTypeWithConstraints = { bits: ALL_WIDTHS, perChannel: true };

/** Inputs, weights, bias and output all in integers. */
export const weighted: DTypeConfig = {
  input: activation,
  weight,
  bias: ['int32', 'int16', 'int8', 'float'],
  output: activation,
};

/** Inputs and outputs in integers, each on its own grid. */
export const elementwise: DTypeConfig = { input: activation, output: activation };

/** Output on the fixed grid 0..1. */
export const toUnitInterval: DTypeConfig = { input: activation, output: { bits: ALL_WIDTHS, fixedRange: 1 } };

/** An entry whose output has its own grid. */
export function observed(pattern: readonly string[], dtypes: readonly DTypeConfig[]): BackendPatternConfig {
  return { pattern, anchor: pattern[0]!, observation: 'OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT', dtypes };
}

/** An entry whose output keeps the grid of its input, because the operator only moves or selects values. */
export function sharing(opType: string): BackendPatternConfig {
  return {
    pattern: [opType],
    anchor: opType,
    observation: 'OUTPUT_SHARE_OBSERVER_WITH_INPUT',
    dtypes: [{ input: activation, output: activation }],
  };
}

/** Operators that only move or select values: an integer runtime runs them on codes. */
export const VALUE_PRESERVING = [
  'MaxPool',
  'Reshape',
  'Transpose',
  'Slice',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Split',
  'Gather',
  'Pad',
  'Identity',
  'DepthToSpace',
  'SpaceToDepth',
  'Expand',
  'Tile',
] as const;
