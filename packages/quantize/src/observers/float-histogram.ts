import { BitwrightError } from '@bitwright/core';

const MANTISSA_BITS = 9;
const SHIFT = 23 - MANTISSA_BITS;
const BIN_COUNT = 2 ** (32 - SHIFT);
const SPILL_AT = 2 ** 31 - 1;

/** Values of a tensor as weighted points in ascending order, fine enough for a search on a given grid. */
export interface WeightedPoints {
  readonly values: Float64Array;
  readonly counts: Float64Array;
}

/**
 * Counts float32 values by the top bits of their own representation (sign, exponent, 9 bits of mantissa).
 *
 * It needs no range in advance, so one pass over the data is enough; the order and the batch sizes don't matter; two
 * histograms merge by addition. A bin is at most 1/512 of its value wide. Untouched parts of the table take no memory.
 */
export class FloatHistogram {
  // signed, because the engine counts in small integers then, three times as fast; spilled before it can overflow
  #counts = new Int32Array(BIN_COUNT);
  #spilled: Float64Array | undefined;
  #sinceSpill = 0;
  #total = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  /** Counts every value of an array. */
  add(values: Float32Array): void {
    if (this.#sinceSpill + values.length > SPILL_AT) this.#spill();
    const counts = this.#counts;
    const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
    let min = this.#min;
    let max = this.#max;
    for (let i = 0; i < values.length; i++) {
      counts[bits[i]! >>> SHIFT]!++;
      const value = values[i]!;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    this.#min = min;
    this.#max = max;
    this.#sinceSpill += values.length;
    this.#total += values.length;
  }

  /** Adds the counts of another histogram, e.g. of another shard of the data. */
  merge(other: FloatHistogram): void {
    this.#spill();
    const into = this.#spilled!;
    for (let bin = 0; bin < BIN_COUNT; bin++) into[bin]! += other.#countOf(bin);
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
    const edge = new DataView(new ArrayBuffer(4));
    const edgeOf = (bits: number): number => {
      edge.setUint32(0, bits >>> 0);
      return edge.getFloat32(0);
    };
    const half = BIN_COUNT / 2;
    const lastFinite = 255 << MANTISSA_BITS;
    for (let bin = half + lastFinite - 1; bin >= half; bin--) {
      const count = this.#countOf(bin);
      if (count > 0) visit(edgeOf(bin * 2 ** SHIFT + (2 ** SHIFT - 1)), edgeOf(bin * 2 ** SHIFT), count);
    }
    for (let bin = 0; bin < lastFinite; bin++) {
      const count = this.#countOf(bin);
      if (count > 0) visit(edgeOf(bin * 2 ** SHIFT), edgeOf(bin * 2 ** SHIFT + (2 ** SHIFT - 1)), count);
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
    return this.#counts[bin]! + (this.#spilled?.[bin] ?? 0);
  }

  #spill(): void {
    this.#spilled ??= new Float64Array(BIN_COUNT);
    const into = this.#spilled;
    for (let bin = 0; bin < BIN_COUNT; bin++) into[bin]! += this.#counts[bin]!;
    this.#counts.fill(0);
    this.#sinceSpill = 0;
  }
}
