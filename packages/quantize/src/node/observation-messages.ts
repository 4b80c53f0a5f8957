import type { DType, SentError, TensorData } from '@bitwright/core';
import type { StatisticsState } from '../growing-statistics.js';

/** A tensor as it crosses to a worker: name, element type, shape and elements. */
export type SentTensor = readonly [string, DType, readonly number[], TensorData];

/** What a worker is told: the model first, then batches, and at the end to hand over what it counted. */
export type ToObserver =
  | { readonly kind: 'open'; readonly model: Uint8Array; readonly name: string }
  | {
      readonly kind: 'batch';
      readonly inputs: readonly SentTensor[];
      readonly size: number;
      readonly fetches: readonly string[];
    }
  | { readonly kind: 'finish' };

/** What a worker says: one answer for each message, in their order. */
export type FromObserver =
  | { readonly kind: 'done' }
  | { readonly kind: 'statistics'; readonly tensors: readonly (readonly [string, StatisticsState])[] }
  | { readonly kind: 'failed'; readonly error: SentError };
