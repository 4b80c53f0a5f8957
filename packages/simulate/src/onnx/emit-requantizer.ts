import { DenseTensor } from '@bitwright/core';
import type { Value } from '@bitwright/graph';
import { type Dequantizer, floatOfThresholds, type Requantizer } from '../requantize/requantizer.js';
import type { ChannelShape, OnnxBuilder } from './builder.js';
import { emitFixedPoint, emitInDoubles } from './emit-fixed-point.js';

/** Writes an accumulator (int32) as codes plus `shift`: whole numbers of whatever type they came out in. */
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
    case 'fixed-point':
      return (
        emitInDoubles(builder, accumulator, by, shape, shift) ??
        emitFixedPoint(builder, accumulator, by, shape, shift)
      );
    case 'power-of-two':
      return emitShift(builder, accumulator, by, shape, shift);
    case 'thresholds': {
      const float = floatOfThresholds(by);
      return float === undefined
        ? emitThresholds(builder, accumulator, by, shape, shift)
        : emitFloat(builder, accumulator, float, shape, shift);
    }
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
  return builder.op('Add', [rounded, builder.float(by.zeroPoint + shift)]);
}

/** A double holds every quotient of a 32-bit integer by a power of two. */
function emitShift(
  builder: OnnxBuilder,
  accumulator: Value,
  by: Extract<Requantizer, { kind: 'power-of-two' }>,
  shape: ChannelShape,
  shift: number,
): Value {
  const factors = Array.from(by.shift, (bits) => 2 ** -bits);
  let scaled = builder.op('Mul', [
    builder.cast(accumulator, 'double'),
    builder.doubles('power', factors, shape(factors.length)),
  ]);
  if (by.rounding === 'half-even') scaled = builder.op('Round', [scaled]);
  else {
    const nudged =
      by.rounding === 'half-up' ? builder.op('Add', [scaled, builder.doubles('half', [0.5], [])]) : scaled;
    scaled = builder.op('Floor', [nudged]);
  }
  const code = builder.op('Add', [scaled, builder.doubles('zero', [by.zeroPoint + shift], [])]);
  const low = builder.doubles('low', [by.low + shift], []);
  const high = builder.doubles('high', [by.high + shift], []);
  return builder.op('Clip', [code, low, high]);
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
