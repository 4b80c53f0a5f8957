import type { QuantGrid } from '@bitwright/core';
import type { FloatHistogram } from './float-histogram.js';
import type { TorchHistogram } from './torch-histogram.js';

/** What calibration knows of one tensor. */
export interface TensorStatistics {
  readonly histogram: FloatHistogram;
  /** Moving averages of the smallest and largest value of each sample, in the order of the data. */
  readonly movingMin: number;
  readonly movingMax: number;
  /** PyTorch's running histogram, one sample a step; there only for an observer that needs it. */
  readonly torchHistogram?: TorchHistogram | undefined;
}

/** A statistic that depends on the samples one by one, and so costs a second look at each. */
export type SampleStatistic = 'moving-range' | 'torch-histogram';

/** How a range is to become scale and zero point. */
export interface GridChoice {
  readonly grid: QuantGrid;
  readonly symmetric: boolean;
  readonly powerOfTwo: boolean;
}

/** A reader of the statistics that chooses the range a tensor is clipped to. */
export interface Observer {
  readonly name: string;
  readonly description: string;
  /** What it reads besides the histogram. */
  readonly needs?: SampleStatistic;
  /** Its range is only where the layer-by-layer pass begins to search: for the smallest error at the outputs of the layers that read the tensor. */
  readonly refines?: 'layer-outputs';
  /** @returns the range [low, high] in the tensor's own unit; zero is always inside of the final grid. */
  range(statistics: TensorStatistics, choice: GridChoice): { low: number; high: number };
}
