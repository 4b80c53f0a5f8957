import { DenseTensor } from '@bitwright/core';
import type { Value } from '@bitwright/graph';
import type { Dequantizer, Requantizer } from '../requantize/requantizer.js';
import type { OnnxBuilder } from './builder.js';

/** How per-channel constants are laid along an accumulator: [1, C, 1, 1] for convolutions, [C] for matrices, [] for one entry. */
export type ChannelShape = (channels: number) => readonly number[];

/** Writes an accumulator (int32) as codes plus `shift`, in int32. */
export function emitRequantizer(
  builder: OnnxBuilder,
  accumulator: Value,
  by: Requantizer,
  shape: ChannelShape,
  shift: number,
): Value {
  switch (by.kind) {
    case 'float':
      return emitFloat(builder, accumulator, by, shape, shift);
    case 'fixed-point': {
      const rounded =
        by.rounding === 'double'
          ? emitDoubleRounding(builder, accumulator, by, shape)
          : emitSingleRounding(builder, accumulator, by, shape);
      return clipped(builder, rounded, by, shift);
    }
    case 'power-of-two':
      return emitShift(builder, accumulator, by, shape, shift);
    case 'thresholds':
      return emitThresholds(builder, accumulator, by, shape, shift);
  }
}

function emitFloat(
  builder: OnnxBuilder,
  accumulator: Value,
  by: Extract<Requantizer, { kind: 'float' }>,
  shape: ChannelShape,
  shift: number,
): Value {
  const multiplier = builder.constant(
    'multiplier',
    new DenseTensor('float', shape(by.multiplier.length), by.multiplier),
  );
  const scaled = builder.op('Mul', [builder.cast(accumulator, 'float'), multiplier]);
  const held = builder.op('Clip', [
    scaled,
    builder.float(by.low - by.zeroPoint),
    builder.float(by.high - by.zeroPoint),
  ]);
  const rounded = builder.op('Round', [held]);
  return builder.cast(builder.op('Add', [rounded, builder.float(by.zeroPoint + shift)]), 'int32');
}

function longs(builder: OnnxBuilder, name: string, values: readonly bigint[], shape: ChannelShape): Value {
  return builder.constant(name, new DenseTensor('int64', shape(values.length), BigInt64Array.from(values)));
}

/** trunc((x * m + nudge) / 2^31), then a division by 2^n to the nearest, ties away from zero: Div truncates as C++ does. */
function emitDoubleRounding(
  builder: OnnxBuilder,
  accumulator: Value,
  by: Extract<Requantizer, { kind: 'fixed-point' }>,
  shape: ChannelShape,
): Value {
  const rights = Array.from(by.shift, (shift) => Math.max(shift - 31, 0));
  let x = builder.cast(accumulator, 'int64');
  if (by.shift.some((shift) => shift < 31)) {
    const left = Array.from(by.shift, (shift) => 2n ** BigInt(Math.max(31 - shift, 0)));
    x = builder.op('Mul', [x, longs(builder, 'left', left, shape)]);
    x = builder.op('Clip', [x, builder.int64(-(2 ** 31)), builder.int64(2 ** 31 - 1)]);
  }
  const multiplier = longs(builder, 'multiplier', Array.from(by.multiplier, BigInt), shape);
  const product = builder.op('Mul', [x, multiplier]);
  const isNegative = builder.op('Less', [product, builder.int64(0)]);
  const nudge = builder.op('Where', [isNegative, builder.int64(1 - 2 ** 30), builder.int64(2 ** 30)]);
  const high = builder.op('Div', [builder.op('Add', [product, nudge]), builder.int64(2 ** 31)]);
  const halves = rights.map((right) => (right === 0 ? 0n : 2n ** BigInt(right - 1)));
  const half = longs(builder, 'half', halves, shape);
  const minus = longs(
    builder,
    'minus_half',
    halves.map((one) => -one),
    shape,
  );
  const below = builder.op('Less', [high, builder.int64(0)]);
  const nudged = builder.op('Add', [high, builder.op('Where', [below, minus, half])]);
  return builder.op('Div', [
    nudged,
    longs(
      builder,
      'divisor',
      rights.map((right) => 2n ** BigInt(right)),
      shape,
    ),
  ]);
}

/** floor((x * m + 2^(s-1)) / 2^s): the remainder of Mod has the sign of the divisor, so that taking it away floors. */
function emitSingleRounding(
  builder: OnnxBuilder,
  accumulator: Value,
  by: Extract<Requantizer, { kind: 'fixed-point' }>,
  shape: ChannelShape,
): Value {
  const shifts = Array.from(by.shift, (shift) => BigInt(Math.max(shift, 0)));
  const multipliers = Array.from(
    by.multiplier,
    (one, i) => BigInt(one) * 2n ** BigInt(Math.max(-by.shift[i]!, 0)),
  );
  const product = builder.op('Mul', [
    builder.cast(accumulator, 'int64'),
    longs(builder, 'multiplier', multipliers, shape),
  ]);
  const halves = shifts.map((shift) => (shift === 0n ? 0n : 2n ** (shift - 1n)));
  const nudged = builder.op('Add', [product, longs(builder, 'half', halves, shape)]);
  const divisor = longs(
    builder,
    'divisor',
    shifts.map((shift) => 2n ** shift),
    shape,
  );
  const rest = builder.op('Mod', [nudged, divisor]);
  return builder.op('Div', [builder.op('Sub', [nudged, rest]), divisor]);
}

function clipped(builder: OnnxBuilder, rounded: Value, by: Requantizer, shift: number): Value {
  const code = builder.op('Add', [rounded, builder.int64(by.zeroPoint + shift)]);
  const held = builder.op('Clip', [code, builder.int64(by.low + shift), builder.int64(by.high + shift)]);
  return builder.cast(held, 'int32');
}

/** A double holds every quotient of a 32-bit integer by a power of two. */
function emitShift(
  builder: OnnxBuilder,
  accumulator: Value,
  by: Extract<Requantizer, { kind: 'power-of-two' }>,
  shape: ChannelShape,
  shift: number,
): Value {
  const double = (name: string, values: readonly number[], dims: readonly number[]): Value =>
    builder.constant(name, new DenseTensor('double', dims, Float64Array.from(values)));
  const factors = Array.from(by.shift, (bits) => 2 ** -bits);
  let scaled = builder.op('Mul', [
    builder.cast(accumulator, 'double'),
    double('power', factors, shape(factors.length)),
  ]);
  if (by.rounding === 'half-even') scaled = builder.op('Round', [scaled]);
  else {
    const nudged =
      by.rounding === 'half-up' ? builder.op('Add', [scaled, double('half', [0.5], [])]) : scaled;
    scaled = builder.op('Floor', [nudged]);
  }
  const code = builder.op('Add', [scaled, double('zero', [by.zeroPoint + shift], [])]);
  const low = double('low', [by.low + shift], []);
  const high = double('high', [by.high + shift], []);
  return builder.cast(builder.op('Clip', [code, low, high]), 'int32');
}

/** Counts the thresholds that are reached, by halving: each round looks one threshold up for every accumulator. */
function emitThresholds(
  builder: OnnxBuilder,
  accumulator: Value,
  by: Extract<Requantizer, { kind: 'thresholds' }>,
  shape: ChannelShape,
  shift: number,
): Value {
  const channels = by.count === 0 ? 1 : by.thresholds.length / by.count;
  let width = 1;
  while (width <= by.count) width *= 2;
  const padded = new Int32Array(channels * width).fill(2 ** 31 - 1);
  for (let c = 0; c < channels; c++)
    for (let k = 0; k < by.count; k++)
      padded[c * width + k] = Math.min(by.thresholds[c * by.count + k]!, 2 ** 31 - 1);
  const table = builder.constant('thresholds', new DenseTensor('int32', [padded.length], padded));
  const starts = Int32Array.from({ length: channels }, (_, c) => c * width - 1);
  // the first index has the accumulator's shape, since adding zero times it broadcasts
  const zero = builder.op('Mul', [accumulator, builder.int32(0)]);
  const base = builder.op('Add', [
    zero,
    builder.constant('start', new DenseTensor('int32', shape(channels), starts)),
  ]);
  let position = zero;
  for (let step = width / 2; step >= 1; step /= 2) {
    const tried = builder.op('Add', [position, builder.int32(step)]);
    const threshold = builder.op('Gather', [table, builder.op('Add', [base, tried])], { axis: 0 });
    const isReached = builder.op('GreaterOrEqual', [accumulator, threshold]);
    position = builder.op('Where', [isReached, tried, position]);
  }
  return builder.op('Add', [position, builder.int32(by.low + shift)]);
}

/** Writes an accumulator as floats. */
export function emitDequantizer(
  builder: OnnxBuilder,
  accumulator: Value,
  by: Dequantizer,
  shape: ChannelShape,
): Value {
  const scale = builder.constant('scale', new DenseTensor('float', shape(by.scale.length), by.scale));
  const scaled = builder.op('Mul', [builder.cast(accumulator, 'float'), scale]);
  const low = Number.isFinite(by.low ?? Number.NaN) ? builder.float(by.low!) : undefined;
  const high = Number.isFinite(by.high ?? Number.NaN) ? builder.float(by.high!) : undefined;
  if (low === undefined && high === undefined) return scaled;
  return builder.op('Clip', high === undefined ? [scaled, low] : [scaled, low, high]);
}
