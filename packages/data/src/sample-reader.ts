import type { Tensor } from '@bitwright/core';
import type { DataHost } from './data-host.js';
import type { Feed } from './feed.js';
import type { InputSpec } from './input-spec.js';

/** The next samples of an order, as tensors. */
export interface SampleBlock {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly labels: readonly (number | undefined)[];
}

/** Reads the samples of one order, front to back. */
export interface SampleCursor {
  /** The next `size` samples; never asked for more than the order holds. */
  next(size: number): SampleBlock | Promise<SampleBlock>;
  /** Called once at the end, also when the consumer leaves early. */
  close?(): void;
}

/** What a format must provide: samples by their index in the files, for the model's inputs. */
export interface SampleReader {
  /** The number of samples in the files, before any selection. */
  readonly count: number;
  /** One for each model input. */
  readonly feeds: readonly Feed[];
  readonly hasLabels: boolean;
  readonly synthetic?: boolean;
  /** The label of a sample where it is known without reading the sample. */
  labelOf?(index: number): number | undefined;
  /** How messages call a sample, e.g. the path of its file. */
  describe(index: number): string;
  /** @param order indices of samples; the cursor reads them in this order. */
  start(order: Uint32Array): SampleCursor;
}

/** A model input and what the card says about it. */
export interface MatchedInput<T> {
  readonly spec: InputSpec;
  readonly from: T;
}

/** What every format's reader is made with. */
export interface ReaderContext {
  /** How the card calls itself in messages. */
  readonly card: string;
  readonly host: DataHost;
}
