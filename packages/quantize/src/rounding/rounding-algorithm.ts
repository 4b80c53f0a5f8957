import type { AccumulatorLimit } from './accumulator-budget.js';
import type { MatrixProduct } from './matrix-product.js';

/**
 * A layer's weights as matrices: one of `rows` x `columns` for each group, row by row. A row makes one output channel; its
 * columns are what one output element is a sum over (input channels of the group times kernel taps).
 */
export interface RoundingLayer {
  /** Name for messages. */
  readonly name: string;
  readonly groups: number;
  readonly rows: number;
  readonly columns: number;
  /** Columns that belong to one input channel: the kernel's places, next to each other. */
  readonly taps: number;
  readonly weights: Float64Array;
}

/**
 * Second-order statistics of a layer over the calibration data, means over all output positions. X are the inputs in the
 * float network, Xh those behind the quantized prefix, Y = W X without bias.
 */
export interface RoundingStatistics {
  /** H = Xh Xh^T, one `columns` x `columns` matrix a group. */
  readonly gram: Float64Array;
  /** T = Y Xh^T, one `rows` x `columns` matrix a group: what the rounded layer must reproduce on its own inputs. */
  readonly target: Float64Array;
  /** Mean of Xh, one a column and group. */
  readonly inputMean: Float64Array;
  /** Mean and mean square of Y, one a row and group. */
  readonly outputMean: Float64Array;
  readonly outputSquare: Float64Array;
  /** Output positions that the means are over. */
  readonly count: number;
}

/** The grid that codes must lie on. Codes here have the zero point taken off: a weight is code * scale. */
export interface RoundingSpec {
  /** Smallest and largest code of each row (all groups' rows in order). */
  readonly low: Int32Array;
  readonly high: Int32Array;
  /** One scale for all, one a row, or one a block of `blockSize` columns of each row. */
  readonly scale: Float64Array;
  readonly blockSize?: number;
  /** True where the scale must stay as it is, e.g. a power of two. */
  readonly fixedScale: boolean;
  /** Scales must not fall below these, where given; laid out as `scale`. */
  readonly leastScale?: Float64Array;
  /** No input may bring the sum of a row's products beyond this, where given. */
  readonly accumulator?: AccumulatorLimit;
}

/** What an algorithm may use besides its input. */
export interface RoundingTools {
  readonly product: MatrixProduct;
}

/** Codes without zero point, as the weights lie, and the scales that they belong to, as the spec's lie. */
export interface Rounded {
  readonly codes: Int32Array;
  readonly scale: Float64Array;
}

interface NamedAlgorithm {
  readonly name: string;
  readonly description: string;
}

/** An algorithm that rounds without data. */
export interface DataFreeRounding extends NamedAlgorithm {
  readonly needsStatistics: false;
  round(layer: RoundingLayer, statistics: undefined, spec: RoundingSpec): Promise<Rounded>;
}

/** An algorithm that rounds on second-order statistics, layer by layer behind the quantized prefix. */
export interface SecondOrderRounding extends NamedAlgorithm {
  readonly needsStatistics: true;
  round(
    layer: RoundingLayer,
    statistics: RoundingStatistics,
    spec: RoundingSpec,
    tools: RoundingTools,
  ): Promise<Rounded>;
}

/** Turns weights into codes on a given grid. A plugin may add one. */
export type RoundingAlgorithm = DataFreeRounding | SecondOrderRounding;
