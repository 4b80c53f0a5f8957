import { BitwrightError } from '@bitwright/core';

const MANTISSA_BITS = 9;
const SHIFT = 23 - MANTISSA_BITS;
const BIN_COUNT = 2 ** (32 - SHIFT);
// the bits that a bin leaves open
const INSIDE = 2 ** SHIFT - 1;
const SPILL_AT = 2 ** 31 - 1;

/** Values of a tensor as weighted points in ascending order, fine enough for a search on a given grid. */
export interface WeightedPoints {
  readonly values: Float64Array;
  readonly counts: Float64Array;
}

/** A histogram's content, as it crosses from one thread to another. */
export interface HistogramState {
  readonly counts: Int32Array<ArrayBuffer>;
  readonly spilled: Float64Array<ArrayBuffer> | undefined;
  readonly sinceSpill: number;
  readonly total: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Counts float32 values by the top bits of their own representation (sign, exponent, 9 bits of mantissa).
 *
 * It needs no range in advance, so one pass over the data is enough; the order and the batch sizes don't matter; two
 * histograms merge by addition. A bin is at most 1/512 of its value wide. Untouched parts of the table take no memory.
 */
export class FloatHistogram {
  // signed, because the engine counts in small integers then, three times as fast; spilled before it can overflow
  #counts: Int32Array<ArrayBuffer> = new Int32Array(BIN_COUNT);
  #spilled: Float64Array<ArrayBuffer> | undefined;
  #sinceSpill = 0;
  #total = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  /** Counts every value of an array. */
  add(values: Float32Array): void {
    if (this.#sinceSpill + values.length > SPILL_AT) this.#spill();
    const counts = this.#counts;
    const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
    let min = orderOf(this.#min);
    let max = orderOf(this.#max);
    // in integers throughout: the engine never has to convert, and compares them faster than floats
    for (let i = 0; i < bits.length; i++) {
      const pattern = bits[i]!;
      counts[pattern >>> SHIFT]!++;
      const order = pattern ^ ((pattern >> 31) & 0x7fffffff);
      if (order < min) min = order;
      if (order > max) max = order;
    }
    this.#min = valueOfOrder(min);
    this.#max = valueOfOrder(max);
    this.#sinceSpill += values.length;
    this.#total += values.length;
  }

  /** The content, without a copy: this histogram is not to be used any longer. */
  toState(): HistogramState {
    const state = { counts: this.#counts, spilled: this.#spilled, sinceSpill: this.#sinceSpill };
    return { ...state, total: this.#total, min: this.#min, max: this.#max };
  }

  /** The histogram of a content, which it takes over. */
  static fromState(state: HistogramState): FloatHistogram {
    const histogram = new FloatHistogram();
    histogram.#counts = state.counts;
    histogram.#spilled = state.spilled;
    histogram.#sinceSpill = state.sinceSpill;
    histogram.#total = state.total;
    histogram.#min = state.min;
    histogram.#max = state.max;
    return histogram;
  }

  /** Adds the counts of another histogram, e.g. of another shard of the data. */
  merge(other: FloatHistogram): void {
    if (this.#sinceSpill + other.#sinceSpill > SPILL_AT) this.#spill();
    addCounts(this.#counts, other.#counts);
    this.#sinceSpill += other.#sinceSpill;
    if (other.#spilled !== undefined) {
      this.#spilled ??= new Float64Array(BIN_COUNT);
      addCounts(this.#spilled, other.#spilled);
    }
    this.#total += other.#total;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  /** How many values were counted. */
  get total(): number {
    return this.#total;
  }

  /** The smallest value, exactly; 0 when nothing was counted. */
  get min(): number {
    return this.#total === 0 ? 0 : this.#min;
  }

  /** The largest value, exactly; 0 when nothing was counted. */
  get max(): number {
    return this.#total === 0 ? 0 : this.#max;
  }

  /** How many values were NaN or infinite. */
  get notFinite(): number {
    let count = 0;
    for (const sign of [0, 256]) {
      const first = (sign + 255) << MANTISSA_BITS;
      for (let bin = first; bin < first + (1 << MANTISSA_BITS); bin++) count += this.#countOf(bin);
    }
    return count;
  }

  /** @throws CALIBRATION_NOT_FINITE naming the tensor when it held NaN or infinity. */
  assertFinite(tensor: string): void {
    const count = this.notFinite;
    if (count === 0) return;
    throw new BitwrightError({
      code: 'CALIBRATION_NOT_FINITE',
      message: `The tensor '${tensor}' held ${count} NaN or infinite values of ${this.#total} during calibration.`,
      hint: 'Check the calibration data and its mean and std; the float model overflows on it.',
      at: { value: tensor },
    });
  }

  /** Calls back for each bin that holds something, in ascending order of value. Not finite ones are left out. */
  forEachBin(visit: (low: number, high: number, count: number) => void): void {
    const counts = this.#counts;
    const spilled = this.#spilled;
    const half = BIN_COUNT / 2;
    const lastFinite = 255 << MANTISSA_BITS;
    const binOf = (value: number): number => {
      cell.setFloat32(0, value);
      return Math.min((cell.getUint32(0) >>> SHIFT) % half, lastFinite - 1);
    };
    // beyond the extremes lies nothing
    for (let bin = half + (this.#min < 0 ? binOf(this.#min) : 0); bin >= half; bin--) {
      const count = spilled === undefined ? counts[bin]! : counts[bin]! + spilled[bin]!;
      if (count > 0) visit(valueOfPattern((bin << SHIFT) | INSIDE), valueOfPattern(bin << SHIFT), count);
    }
    const last = binOf(Math.max(0, this.#max));
    for (let bin = this.#min > 0 ? binOf(this.#min) : 0; bin <= last; bin++) {
      const count = spilled === undefined ? counts[bin]! : counts[bin]! + spilled[bin]!;
      if (count > 0) visit(valueOfPattern(bin << SHIFT), valueOfPattern((bin << SHIFT) | INSIDE), count);
    }
  }

  /**
   * The values as weighted points at most `resolution` apart within a bin: narrower bins are merged, wider ones are
   * split evenly. Zero keeps a point of its own.
   */
  points(resolution: number): WeightedPoints {
    const values: number[] = [];
    const counts: number[] = [];
    let slot = Number.NaN;
    this.forEachBin((rawLow, rawHigh, count) => {
      const low = Math.max(rawLow, this.#min);
      const high = Math.min(rawHigh, this.#max);
      const width = high - low;
      const pieces = Math.max(1, Math.min(64, Math.ceil(width / resolution)));
      for (let piece = 0; piece < pieces; piece++) {
        const value = low === 0 || high === 0 ? 0 : low + ((piece + 0.5) / pieces) * width;
        const at = value === 0 ? 0 : Math.floor(value / resolution) + 0.5;
        if (at === slot) {
          const last = counts.length - 1;
          const sum = counts[last]! + count / pieces;
          values[last]! += ((value - values[last]!) * (count / pieces)) / sum;
          counts[last] = sum;
        } else {
          slot = at;
          values.push(value);
          counts.push(count / pieces);
        }
      }
    });
    return { values: Float64Array.from(values), counts: Float64Array.from(counts) };
  }

  #countOf(bin: number): number {
    const recent = this.#counts[bin]!;
    return this.#spilled === undefined ? recent : recent + this.#spilled[bin]!;
  }

  #spill(): void {
    this.#spilled ??= new Float64Array(BIN_COUNT);
    const into = this.#spilled;
    for (let bin = 0; bin < BIN_COUNT; bin++) into[bin]! += this.#counts[bin]!;
    this.#counts.fill(0);
    this.#sinceSpill = 0;
  }
}

const cell = new DataView(new ArrayBuffer(4));
const patterns = new Int32Array(1);
const floats = new Float32Array(patterns.buffer);

function valueOfPattern(pattern: number): number {
  patterns[0] = pattern;
  return floats[0]!;
}

const INFINITY_ORDER = 0x7f800000;

/** An integer for a float32 value, in the same order: negative patterns count downwards. */
function orderOf(value: number): number {
  cell.setFloat32(0, value);
  const pattern = cell.getInt32(0);
  return pattern ^ ((pattern >> 31) & 0x7fffffff);
}

/** The value of an order; NaN lies beyond infinity and counts as that, and zero has no sign. */
function valueOfOrder(order: number): number {
  const finite = Math.max(-INFINITY_ORDER - 1, Math.min(INFINITY_ORDER, order));
  cell.setInt32(0, finite ^ ((finite >> 31) & 0x7fffffff));
  return cell.getFloat32(0) + 0;
}

/** Adds what is not zero: an untouched part of a table that is only read takes no memory. */
function addCounts(into: Int32Array | Float64Array, from: Int32Array | Float64Array): void {
  for (let bin = 0; bin < BIN_COUNT; bin++) {
    const count = from[bin]!;
    if (count !== 0) into[bin]! += count;
  }
}
