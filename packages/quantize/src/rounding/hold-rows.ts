import { projectRow, RowSums } from './accumulator-budget.js';
import type { Rounded, RoundingLayer, RoundingSpec } from './rounding-algorithm.js';
import { ScaleLayout } from './scale-layout.js';

/** Rows of codes that must stay within the accumulator. */
export interface HoldRows {
  readonly rows: number;
  readonly columns: number;
  readonly firstRow: number;
  /** The float weights that the codes stand for, as the codes lie. */
  readonly weights: Float64Array;
  /** What an error of each column costs. */
  readonly importance: Float64Array;
  readonly layout: ScaleLayout;
}

/** Brings the rows that some input could make overflow within the spec's accumulator; codes and scales are changed in place. */
export function holdRows(
  { rows, columns, firstRow, weights, importance, layout }: HoldRows,
  spec: RoundingSpec,
  codes: Int32Array,
  scale: Float64Array,
): void {
  const { accumulator } = spec;
  if (accumulator === undefined) return;
  const mayRescale = layout.isRowWise && !spec.fixedScale && scale.length > 1;
  const steps = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    const own = codes.subarray(row * columns, (row + 1) * columns);
    if (new RowSums(accumulator, own).fits) continue;
    const index = layout.indexOf(firstRow + row, 0);
    layout.fillRow(steps, firstRow + row, scale);
    // a row whose blocks have scales of their own is projected in units of the first
    const base = scale[index]!;
    const fitted = projectRow({
      weights: weights
        .subarray(row * columns, (row + 1) * columns)
        .map((weight, k) => (weight * base) / steps[k]!),
      importance: importance.map((cost, k) => cost * (steps[k]! / base) ** 2),
      limit: accumulator,
      low: spec.low[firstRow + row]!,
      high: spec.high[firstRow + row]!,
      scale: base,
      mayRescale,
    });
    own.set(fitted.codes);
    if (mayRescale) scale[index] = fitted.scale;
  }
}

/** What any algorithm has rounded, brought within the spec's accumulator where it is not. */
export function heldWithin(layer: RoundingLayer, spec: RoundingSpec, { codes, scale }: Rounded): Rounded {
  if (spec.accumulator === undefined) return { codes, scale };
  const held = { codes: codes.slice(), scale: scale.slice() };
  const { groups, rows, columns, weights } = layer;
  const importance = new Float64Array(columns).fill(1);
  const layout = new ScaleLayout(layer, spec);
  holdRows(
    { rows: groups * rows, columns, firstRow: 0, weights, importance, layout },
    spec,
    held.codes,
    held.scale,
  );
  return held;
}
