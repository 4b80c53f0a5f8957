import { floatData, type Tensor } from '@bitwright/core';
import { FloatHistogram, type HistogramState } from './observers/float-histogram.js';
import type { SampleStatistic, TensorStatistics } from './observers/observer.js';
import { TorchHistogram } from './observers/torch-histogram.js';

const MOVING_AVERAGE_CONSTANT = 0.01;

/** What crosses from one thread to another of a tensor's statistics: what does not depend on the order of the samples. */
export interface StatisticsState {
  readonly dtype: string;
  readonly histogram: HistogramState;
}

/** The statistics of one tensor, which grow with every batch; they depend on no width, so that all widths can share them. */
export class GrowingStatistics implements TensorStatistics {
  isFloat = true;
  dtype = 'float';
  movingMin = 0;
  movingMax = 0;
  torchHistogram: TorchHistogram | undefined;
  #seen = false;

  constructor(readonly histogram = new FloatHistogram()) {}

  /** @param needs what is wanted of each sample besides the histogram of all. */
  add(tensor: Tensor, samples: number, ...needs: readonly (SampleStatistic | undefined)[]): void {
    this.dtype = tensor.dtype;
    this.isFloat = tensor.dtype === 'float';
    if (!this.isFloat) return;
    const data = floatData(tensor);
    this.histogram.add(data);
    if (needs.every((need) => need === undefined)) return;
    // a tensor that does not grow with the batch belongs to all of its samples
    const size = data.length % samples === 0 ? data.length / samples : data.length;
    for (let start = 0; start < data.length; start += size) {
      const sample = data.subarray(start, start + size);
      if (needs.includes('moving-range')) this.#move(sample);
      if (needs.includes('torch-histogram')) this.#torch().add(sample);
    }
  }

  /** Takes in what another tensor held, so that one grid can be chosen for both. */
  merge(other: GrowingStatistics): void {
    this.dtype = other.dtype;
    this.isFloat &&= other.isFloat;
    this.histogram.merge(other.histogram);
    this.movingMin = this.#seen ? Math.min(this.movingMin, other.movingMin) : other.movingMin;
    this.movingMax = this.#seen ? Math.max(this.movingMax, other.movingMax) : other.movingMax;
    this.#seen = true;
    if (other.torchHistogram !== undefined) this.#torch().merge(other.torchHistogram);
  }

  /** What another thread needs to go on with these statistics; they are not to be used here any longer. */
  toState(): StatisticsState {
    return { dtype: this.dtype, histogram: this.histogram.toState() };
  }

  /** Takes in what another thread counted. */
  mergeState({ dtype, histogram }: StatisticsState): void {
    const other = new GrowingStatistics(FloatHistogram.fromState(histogram));
    other.dtype = dtype;
    other.isFloat = dtype === 'float';
    this.merge(other);
  }

  #torch(): TorchHistogram {
    this.torchHistogram ??= new TorchHistogram();
    return this.torchHistogram;
  }

  #move(sample: Float32Array): void {
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    for (const value of sample) {
      if (value < min) min = value;
      if (value > max) max = value;
    }
    const weight = this.#seen ? MOVING_AVERAGE_CONSTANT : 1;
    this.movingMin += weight * (min - this.movingMin);
    this.movingMax += weight * (max - this.movingMax);
    this.#seen = true;
  }
}
