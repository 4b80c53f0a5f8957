import type { Diagnostic, Tensor } from '@bitwright/core';
import type { DecodeTensor } from './data-host.js';

/** Some consecutive samples of a source, as a model is fed with them. */
export interface Batch {
  /**
   * One tensor for each model input, by its name. The first dimension counts the samples, except where a sample is fed
   * whole (then `size` is 1 and the tensor has exactly the sample's shape).
   */
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** The class of each sample, zero-based; undefined where it is not known. */
  readonly labels: readonly (number | undefined)[];
  /** How many samples are in it. */
  readonly size: number;
  /** The index of the first sample, counted after selection. */
  readonly first: number;
}

/** What calibration and evaluation consume: samples in a fixed order, readable any number of times. */
export interface SampleSource {
  /** How the source calls itself in messages, e.g. the card's path. */
  readonly name: string;
  /** The number of samples that the batches hold together (after selection); undefined for an unbounded iterable. */
  readonly count: number | undefined;
  /** False when no sample has a label. */
  readonly hasLabels: boolean;
  /** True when the samples are made up (`random`): every figure made from them must say so. */
  readonly synthetic: boolean;
  readonly diagnostics: readonly Diagnostic[];
  /**
   * Batches in the card's order; the same samples in the same order for any batch size.
   *
   * A batch never shares its memory with another one. The last batch may be smaller. A model of a fixed batch size gets
   * exactly that size, and samples that are fed whole come one at a time, whatever is asked for.
   */
  batches(batchSize: number): AsyncIterable<Batch>;
}

/** How a card is opened. */
export interface OpenDataOptions {
  /** Uses the first so many samples (after the card's own selection); fewer is a `DATA_FEWER_SAMPLES` diagnostic. */
  readonly samples?: number;
  /** Uses the first so many where `samples` is left out, and says then that nobody asked for them. */
  readonly defaultSamples?: number;
  /** `needed` makes a sample without a label an error. Default `optional`. */
  readonly labels?: 'needed' | 'optional';
}

/** What this package cannot do by itself and is given. */
export interface DataServices {
  /** Reads the files of `onnx-tensors`. */
  readonly decodeTensor: DecodeTensor;
}
