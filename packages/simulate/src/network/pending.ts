import { clamp, quantizeValue } from '@bitwright/core';
import type { OpNode } from '@bitwright/graph';
import type { Grid, IntegerStep } from './integer-network.js';

/** Where the result of an operator goes: codes on a grid between two codes, or floats between two numbers. */
export type Target =
  | { readonly kind: 'codes'; readonly grid: Grid; readonly low: number; readonly high: number }
  | { readonly kind: 'float'; readonly low: number; readonly high: number };

/** An operator whose result waits for the quantizer behind it, which decides how the accumulator is rounded. */
export interface Pending {
  readonly kind: 'pending';
  readonly node: OpNode;
  /** Bounds that Relu and Clip have set on the result, in real units. */
  readonly low: number;
  readonly high: number;
  /** Operators behind it that only move values; quantization commutes with them. */
  readonly moves: readonly { readonly node: OpNode; readonly index: number }[];
  /** Makes the step; undefined when it can't end in floats, so that the operator itself has to stay float. */
  finish(target: Target, output: string): IntegerStep | undefined;
  /** A dot product without bias takes a constant that is added to it as its bias. */
  withBias?(values: Float32Array): Pending;
  /** A function of one code: what the operator computes of the float that the code stands for. */
  readonly of?: { readonly value: string; readonly grid: Grid; fn(x: number): number };
}

/** A value while a network is lowered. */
export type Lowered =
  | { readonly kind: 'codes'; readonly name: string; readonly grid: Grid }
  | { readonly kind: 'float'; readonly name: string }
  | Pending;

/** The codes that a result may take: the grid's, narrowed by an activation function. Rounding never falls, so it commutes with clamping. */
export function codeTarget(grid: Grid, low: number, high: number): Target {
  const scaleless = { bits: grid.bits, signed: grid.min < 0, quantMin: grid.min, quantMax: grid.max };
  const codeOf = (x: number): number => quantizeValue(x, grid.scale, grid.zeroPoint, scaleless);
  return {
    kind: 'codes',
    grid,
    low: low === Number.NEGATIVE_INFINITY ? grid.min : codeOf(low),
    high: high === Number.POSITIVE_INFINITY ? grid.max : codeOf(high),
  };
}

/** A pending result behind one more Clip. */
export function clipped(pending: Pending, low: number, high: number): Pending {
  const { of } = pending;
  return {
    ...pending,
    low: clamp(pending.low, low, high),
    high: clamp(pending.high, low, high),
    ...(of && { of: { ...of, fn: (x: number) => clamp(of.fn(x), low, high) } }),
  };
}

/** True when two grids are the same in every respect. */
export function sameGrid(a: Grid, b: Grid): boolean {
  return a.scale === b.scale && a.zeroPoint === b.zeroPoint && a.min === b.min && a.max === b.max;
}
