import type { RoundingLayer, RoundingSpec } from './rounding-algorithm.js';

/** Which scale serves a weight: tells tensor-wide, row-wise and block-wise scales apart in one place. */
export class ScaleLayout {
  readonly #rowStep: number;
  readonly #blockSize: number;

  constructor(layer: RoundingLayer, spec: RoundingSpec) {
    const blocks = spec.blockSize === undefined ? 1 : Math.ceil(layer.columns / spec.blockSize);
    this.#blockSize = spec.blockSize ?? layer.columns;
    this.#rowStep = spec.scale.length === 1 ? 0 : blocks;
  }

  /** True when all columns of a row have the same scale. */
  get isRowWise(): boolean {
    return this.#rowStep <= 1;
  }

  /** The index of a weight's scale; `row` counts over all groups. */
  indexOf(row: number, column: number): number {
    return this.#rowStep * row + (this.#rowStep <= 1 ? 0 : Math.floor(column / this.#blockSize));
  }

  /** Writes the scale of each column of a row. */
  fillRow(into: Float64Array, row: number, scale: Float64Array): void {
    if (this.isRowWise) {
      into.fill(scale[this.indexOf(row, 0)]!);
      return;
    }
    for (let column = 0; column < into.length; column++) into[column] = scale[this.indexOf(row, column)]!;
  }
}
