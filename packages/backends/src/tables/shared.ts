import {
  ALL_WIDTHS,
  type BackendTableEntry,
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
export const toUnitInterval: DTypeConfig = {
  input: activation,
  output: { bits: ALL_WIDTHS, fixedRange: [0, 1] },
};

/** What a table says of the truth of its entries. */
export type Mark = Pick<BackendTableEntry, 'evidence' | 'source' | 'note'>;

/** An entry whose output has its own grid. */
export function observed(
  pattern: BackendTableEntry['pattern'],
  dtypes: BackendTableEntry['dtypes'],
  mark: Mark = { evidence: 'cited' },
): BackendTableEntry {
  return { pattern, dtypes, ...mark };
}

/** An entry whose output keeps the grid of its input, because the operators only move or select values. */
export function sharing(
  opTypes: readonly string[],
  dtypes: BackendTableEntry['dtypes'] = [elementwise],
  mark: Mark = { evidence: 'cited' },
): BackendTableEntry {
  return { pattern: [opTypes], observation: 'OUTPUT_SHARE_OBSERVER_WITH_INPUT', dtypes, ...mark };
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
