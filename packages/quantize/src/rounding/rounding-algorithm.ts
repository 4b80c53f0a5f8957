import type { QParams } from '@bitwright/core';

/** A layer's weights as a rounding algorithm sees them. */
export interface RoundingLayer {
  /** Name for messages. */
  readonly name: string;
  readonly weights: Float32Array;
  readonly dims: readonly number[];
}

/** Turns weights into codes on a given grid; with second-order statistics where it wants them. */
export interface RoundingAlgorithm {
  readonly name: string;
  readonly description: string;
  /** @returns one code per weight and the parameters that they belong to (a method may refit the scale). */
  round(layer: RoundingLayer, qparams: QParams): { codes: Int32Array; qparams: QParams };
}
