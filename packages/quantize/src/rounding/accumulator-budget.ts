import { clamp, roundHalfEven } from '@bitwright/core';

/**
 * What a sum of products may reach for any input whatever: inputs (zero point taken off) lie between two codes that have zero
 * between them, the sum between two numbers. With codes c the largest sum is sum(max(c x_high, c x_low)): for unsigned inputs
 * that is x_high times the sum of the positive codes, so each sign has a budget of its own (AXE, I. Colbert et al., 2024;
 * the bound of both signs together is that of A2Q, 2023).
 */
export interface AccumulatorLimit {
  readonly inputLow: number;
  readonly inputHigh: number;
  readonly low: number;
  readonly high: number;
}

/** The limit of a signed register of `bits` bits. */
export function accumulatorLimit(bits: number, inputLow: number, inputHigh: number): AccumulatorLimit {
  return {
    inputLow: Math.min(inputLow, 0),
    inputHigh: Math.max(inputHigh, 0),
    low: -(2 ** (bits - 1)),
    high: 2 ** (bits - 1) - 1,
  };
}

/** The extreme sums of a row of codes, kept in step while codes change. */
export class RowSums {
  low = 0;
  high = 0;

  constructor(
    private readonly limit: AccumulatorLimit,
    codes: ArrayLike<number> = [],
  ) {
    for (let k = 0; k < codes.length; k++) this.move(0, codes[k]!);
  }

  get fits(): boolean {
    return this.low >= this.limit.low && this.high <= this.limit.high;
  }

  /** Replaces one code by another. */
  move(before: number, after: number): void {
    this.low += this.#least(after) - this.#least(before);
    this.high += this.#most(after) - this.#most(before);
  }

  /** The code nearest to `wanted`, on its way to `before`, that the limit has room for. */
  nearest(before: number, wanted: number): number {
    const toward = Math.sign(before - wanted);
    let code = wanted;
    while (code !== before && !this.#hasRoom(before, code)) code += toward;
    return code;
  }

  #hasRoom(before: number, after: number): boolean {
    return (
      this.low + this.#least(after) - this.#least(before) >= this.limit.low &&
      this.high + this.#most(after) - this.#most(before) <= this.limit.high
    );
  }

  #least(code: number): number {
    return Math.min(code * this.limit.inputLow, code * this.limit.inputHigh);
  }

  #most(code: number): number {
    return Math.max(code * this.limit.inputLow, code * this.limit.inputHigh);
  }
}

/** Rows of codes to bring within a limit. */
export interface ProjectRow {
  /** The float weights of the row. */
  readonly weights: Float64Array;
  /** How much an error of each weight costs; the inputs' mean squares. */
  readonly importance: Float64Array;
  readonly limit: AccumulatorLimit;
  readonly low: number;
  readonly high: number;
  readonly scale: number;
  /** True where the scale may grow. */
  readonly mayRescale: boolean;
}

const GROWTH = [1, 1.1, 1.25, 1.4, 1.6, 1.8, 2, 2.5, 3, 4, 6, 8];
const HALVINGS = 40;

/**
 * Codes of a row within the limit, and their scale: magnitudes shrink by one threshold (the projection onto the l1 ball), with
 * the growth of the scale that costs least.
 */
export function projectRow(row: ProjectRow): { codes: Int32Array; scale: number } {
  let best: { codes: Int32Array; scale: number; cost: number } | undefined;
  for (const growth of row.mayRescale ? GROWTH : [1]) {
    const scale = row.scale * growth;
    const codes = shrunk(row, scale);
    let cost = 0;
    for (let k = 0; k < codes.length; k++)
      cost += row.importance[k]! * (row.weights[k]! - codes[k]! * scale) ** 2;
    if (best === undefined || cost < best.cost) best = { codes, scale, cost };
  }
  return best!;
}

/** The nearest codes behind the smallest threshold, one for each sign where each has its own budget. */
function shrunk(row: ProjectRow, scale: number): Int32Array {
  const { weights, limit, low, high } = row;
  const codes = new Int32Array(weights.length);
  const round = (cut: number, sign: 0 | 1 | -1): void => {
    for (let k = 0; k < codes.length; k++) {
      const wanted = weights[k]! / scale;
      if (sign !== 0 && Math.sign(wanted) !== sign) continue;
      const magnitude = Math.max(Math.abs(wanted) - cut, 0);
      codes[k] = clamp(roundHalfEven(Math.sign(wanted) * magnitude), low, high);
    }
  };
  const isWithin = (sign: 0 | 1 | -1): boolean => {
    const sums = new RowSums(limit, codes);
    if (sign === 0) return sums.fits;
    return sign > 0 ? sums.high <= limit.high : sums.low >= limit.low;
  };
  const largest = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) / scale;
  round(0, 0);
  for (const sign of limit.inputLow === 0 ? ([1, -1] as const) : ([0] as const)) {
    if (isWithin(sign)) continue;
    let tooLittle = 0;
    let enough = largest + 1;
    for (let i = 0; i < HALVINGS; i++) {
      const cut = (tooLittle + enough) / 2;
      round(cut, sign);
      if (isWithin(sign)) enough = cut;
      else tooLittle = cut;
    }
    round(enough, sign);
  }
  return codes;
}
