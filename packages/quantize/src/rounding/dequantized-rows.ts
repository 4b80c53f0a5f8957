import type { Rounded, RoundingLayer, RoundingSpec } from './rounding-algorithm.js';
import { ScaleLayout } from './scale-layout.js';

/** A row of rounded weights as numbers. */
export interface DequantizedRow {
  /** Counts over all groups. */
  readonly row: number;
  readonly group: number;
  /** Where the row's inputs begin, of groups x columns. */
  readonly inputs: number;
  /** Codes times their scales; overwritten by the next row. */
  readonly weights: Float64Array;
}

/** The rows of rounded weights, one after the other. */
export function* dequantizedRows(
  layer: RoundingLayer,
  spec: RoundingSpec,
  { codes, scale }: Rounded,
): Generator<DequantizedRow> {
  const { groups, rows, columns } = layer;
  const layout = new ScaleLayout(layer, spec);
  const weights = new Float64Array(columns);
  for (let row = 0; row < groups * rows; row++) {
    layout.fillRow(weights, row, scale);
    for (let k = 0, at = row * columns; k < columns; k++, at++) weights[k]! *= codes[at]!;
    const group = Math.floor(row / rows);
    yield { row, group, inputs: group * columns, weights };
  }
}
