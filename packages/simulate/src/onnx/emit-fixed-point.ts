import { DenseTensor } from '@bitwright/core';
import type { Value } from '@bitwright/graph';
import { type DoubleRounding, inDoubles } from '../requantize/double-rounding.js';
import type { FixedPoint } from '../requantize/requantizer.js';
import type { ChannelShape, OnnxBuilder } from './builder.js';

/** Writes an accumulator (int32) as codes plus `shift` in doubles, where that is proven to be the same; else nothing. */
export function emitInDoubles(
  builder: OnnxBuilder,
  accumulator: Value,
  by: FixedPoint,
  shape: ChannelShape,
  shift: number,
): Value | undefined {
  const way = inDoubles(by, shift);
  if (way === undefined) return undefined;
  const code = emitDoubles(builder, builder.cast(accumulator, 'double'), way, shape);
  const [low, high] = [by.low, by.high].map((bound) => builder.doubles('bound', [bound + shift], []));
  return builder.op('Clip', [code, low, high]);
}

/** Writes an accumulator (int32) as codes plus `shift` by fixed-point multipliers in int64. */
export function emitFixedPoint(
  builder: OnnxBuilder,
  accumulator: Value,
  by: FixedPoint,
  shape: ChannelShape,
  shift: number,
): Value {
  const rounded =
    by.rounding === 'double'
      ? emitDoubleRounding(builder, accumulator, by, shape)
      : emitSingleRounding(builder, accumulator, by, shape);
  return clipped(builder, rounded, by, shift);
}

/** Writes floor(x * factor + (sign(x) * bend + offset)) for x in doubles. */
export function emitDoubles(
  builder: OnnxBuilder,
  x: Value,
  { factor, offset, bend }: DoubleRounding,
  shape: ChannelShape,
): Value {
  const along = (name: string, values: Float64Array): Value =>
    builder.doubles(name, values, shape(values.length));
  const product = builder.op('Mul', [x, along('multiplier', factor)]);
  const straight = along('offset', offset);
  if (bend === undefined) return builder.op('Floor', [builder.op('Add', [product, straight])]);
  const bent = builder.op('Mul', [builder.op('Sign', [x]), along('bend', bend)]);
  return builder.op('Floor', [builder.op('Add', [product, builder.op('Add', [bent, straight])])]);
}

function longs(builder: OnnxBuilder, name: string, values: readonly bigint[], shape: ChannelShape): Value {
  return builder.constant(name, new DenseTensor('int64', shape(values.length), BigInt64Array.from(values)));
}

/** trunc((x * m + nudge) / 2^31), then a division by 2^n to the nearest, ties away from zero: Div truncates as C++ does. */
function emitDoubleRounding(
  builder: OnnxBuilder,
  accumulator: Value,
  by: FixedPoint,
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
  by: FixedPoint,
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

function clipped(builder: OnnxBuilder, rounded: Value, by: FixedPoint, shift: number): Value {
  const code = builder.op('Add', [rounded, builder.int64(by.zeroPoint + shift)]);
  const held = builder.op('Clip', [code, builder.int64(by.low + shift), builder.int64(by.high + shift)]);
  return held;
}
