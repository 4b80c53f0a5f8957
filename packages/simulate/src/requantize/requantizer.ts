import { clamp, roundHalfEven } from '@bitwright/core';
import {
  fixedPointMultiplier,
  multiplyDoubleRounding,
  multiplyRoundingUp,
} from '../arithmetic/fixed-point.js';
import { powerOfTwo } from '../arithmetic/power-of-two.js';
import type { RequantizeConfig } from '../hardware/hardware-schema.js';

/** The bounds and the zero point of the codes that a requantizer makes. */
interface CodeRange {
  /** Smallest and largest code, an activation function's bounds included. */
  readonly low: number;
  readonly high: number;
  readonly zeroPoint: number;
}

/** How the accumulator of each channel becomes a code; every list has one entry for the tensor or one for each channel. */
export type Requantizer = CodeRange &
  (
    | { readonly kind: 'float'; readonly multiplier: Float32Array }
    | {
        readonly kind: 'fixed-point';
        readonly rounding: 'single' | 'double';
        readonly multiplier: Int32Array;
        readonly shift: Int32Array;
      }
    | {
        readonly kind: 'power-of-two';
        readonly rounding: 'half-even' | 'half-up' | 'floor';
        readonly shift: Int32Array;
      }
    /** code = low + number of thresholds that the accumulator reaches; ascending, `count` for each channel. */
    | {
        readonly kind: 'thresholds';
        readonly count: number;
        readonly thresholds: Float64Array;
        /** The float multipliers that they say. */
        readonly multiplier: Float32Array;
      }
  );

/** A requantizer by fixed-point multipliers. */
export type FixedPoint = Extract<Requantizer, { kind: 'fixed-point' }>;

/** A requantizer by thresholds. */
export type Thresholds = Extract<Requantizer, { kind: 'thresholds' }>;

/** How the accumulator of each channel becomes a float: clamp(fl32(acc) * scale). */
export interface Dequantizer {
  readonly scale: Float32Array;
  readonly low?: number;
  readonly high?: number;
}

/** What a requantizer is made for. */
export interface RequantizerInit extends CodeRange {
  /** s_x * s_w / s_y for each channel, as float32 arithmetic gives it. */
  readonly multiplier: Float32Array;
}

/** Builds the requantizer that a device has. */
export function makeRequantizer(init: RequantizerInit, config: RequantizeConfig): Requantizer {
  const { multiplier, low, high, zeroPoint } = init;
  const range = { low, high, zeroPoint };
  switch (config.kind) {
    case 'float':
      return { kind: 'float', multiplier, ...range };
    case 'fixed-point': {
      const fixed = Array.from(multiplier, (real) => fixedPointMultiplier(real, config.bits ?? 31));
      return {
        kind: 'fixed-point',
        rounding: config.rounding,
        multiplier: Int32Array.from(fixed, (one) => one.multiplier),
        shift: Int32Array.from(fixed, (one) => one.shift),
        ...range,
      };
    }
    case 'power-of-two':
      return {
        kind: 'power-of-two',
        rounding: config.rounding ?? 'half-even',
        shift: Int32Array.from(multiplier, (real) => -Math.round(Math.log2(real))),
        ...range,
      };
    case 'thresholds':
      return { kind: 'thresholds', ...thresholdsOf(multiplier, range), multiplier, ...range };
  }
}

const LEAST = -(2 ** 31);
const MOST = 2 ** 31 - 1;

/** The least 32-bit accumulator of each code above the lowest, 2^31 where none reaches it, found in the float requantizer, which never falls. */
function thresholdsOf(
  multiplier: Float32Array,
  range: CodeRange,
): { count: number; thresholds: Float64Array } {
  const count = range.high - range.low;
  const thresholds = new Float64Array(multiplier.length * count);
  for (let channel = 0; channel < multiplier.length; channel++) {
    const exact: Requantizer = {
      kind: 'float',
      multiplier: multiplier.slice(channel, channel + 1),
      ...range,
    };
    for (let k = 0; k < count; k++) {
      let below = LEAST - 1;
      let reached = MOST + 1;
      while (reached - below > 1) {
        const middle = Math.floor((below + reached) / 2);
        if (requantize(middle, 0, exact) > range.low + k) reached = middle;
        else below = middle;
      }
      thresholds[channel * count + k] = reached;
    }
  }
  return { count, thresholds };
}

/** The code of one accumulator; `channel` is 0 where there is one entry for the tensor. */
export function requantize(accumulator: number, channel: number, by: Requantizer): number {
  const { low, high, zeroPoint } = by;
  switch (by.kind) {
    case 'float': {
      const scaled = Math.fround(Math.fround(accumulator) * by.multiplier[channel]!);
      return roundHalfEven(clamp(scaled, low - zeroPoint, high - zeroPoint)) + zeroPoint;
    }
    case 'fixed-point': {
      const multiplier = by.multiplier[channel]!;
      const shift = by.shift[channel]!;
      const rounded =
        by.rounding === 'double'
          ? multiplyDoubleRounding(accumulator, { multiplier, shift })
          : multiplyRoundingUp(accumulator, multiplier, shift);
      return clamp(rounded + zeroPoint, low, high);
    }
    case 'power-of-two':
      return clamp(shiftRight(accumulator, by.shift[channel]!, by.rounding) + zeroPoint, low, high);
    case 'thresholds': {
      const start = channel * by.count;
      let code = 0;
      while (code < by.count && accumulator >= by.thresholds[start + code]!) code++;
      return low + code;
    }
  }
}

/**
 * The float requantizer that thresholds say, where it gives the same code for every 32-bit accumulator: neither falls, so that
 * it is enough that both step at the thresholds.
 */
export function floatOfThresholds(by: Thresholds): Extract<Requantizer, { kind: 'float' }> | undefined {
  const { multiplier, low, high, zeroPoint, count, thresholds } = by;
  const float = { kind: 'float', multiplier, low, high, zeroPoint } as const;
  const isStep = (threshold: number, i: number): boolean => {
    const channel = Math.floor(i / count);
    const code = low + (i % count) + 1;
    const isBelow = threshold <= LEAST || requantize(threshold - 1, channel, float) < code;
    return isBelow && (threshold > MOST || requantize(threshold, channel, float) >= code);
  };
  return thresholds.every(isStep) ? float : undefined;
}

/** x / 2^shift, rounded; exact, as a double holds every quotient by a power of two. */
function shiftRight(x: number, shift: number, rounding: 'half-even' | 'half-up' | 'floor'): number {
  const quotient = x * powerOfTwo(-shift);
  if (rounding === 'floor') return Math.floor(quotient);
  return rounding === 'half-up' ? Math.floor(quotient + 0.5) : roundHalfEven(quotient);
}

/** The float of one accumulator. */
export function dequantize(accumulator: number, channel: number, by: Dequantizer): number {
  const value = Math.fround(Math.fround(accumulator) * by.scale[channel]!);
  return clamp(value, by.low ?? Number.NEGATIVE_INFINITY, by.high ?? Number.POSITIVE_INFINITY);
}
