import { type FixedPoint, requantize } from './requantizer.js';

/**
 * A fixed-point requantizer in doubles: code = floor(x * factor + (sign(x) * bend + offset)), clamped; lists have one entry
 * for the tensor or one for each channel. Without `bend` the sign does not matter.
 */
export interface DoubleRounding {
  readonly factor: Float64Array;
  readonly offset: Float64Array;
  readonly bend?: Float64Array;
}

/** More codes than this are not looked through: a proof would take longer than it saves. */
const MOST_CODES = 1024;

/**
 * Says a fixed-point requantizer in doubles, which processors multiply many at a time, and proves that it gives the same code
 * for every accumulator; undefined where it does not.
 *
 * Single rounding is floor((x m + 2^(n-1)) / 2^n) = floor(x f + 1/2) with f = m / 2^n. In double rounding the high product
 * is floor(x m / 2^31 + 1/2), ties up for both signs, and the division by 2^r, r = n - 31, sends ties away from zero; a floor
 * within a floor can be left out, so that both together are floor(x f + 1/2 + 2^-(r+1)) for x >= 0 and
 * floor(x f + 1/2 - 2^-(r+1)) below. f is exact, but x f may have more than 53 bits, and a left shift may saturate.
 *
 * The proof: both sides are steps that never fall as x grows (a rounded product and a rounded sum keep the order), so that
 * they are equal everywhere if they step at the same places, and for each code above the lowest that place is looked at.
 *
 * @param values the only accumulators there are; with them no clamp takes place, and each one is looked at.
 * @param shift is added to the codes.
 */
export function inDoubles(by: FixedPoint, shift = 0, values?: Float64Array): DoubleRounding | undefined {
  if (values === undefined && by.high - by.low > MOST_CODES) return undefined;
  return ways(by, shift).find((way) =>
    by.multiplier.every((_, channel) =>
      values === undefined
        ? stepsAlike(by, way, channel, shift)
        : values.every((x) => requantize(x, channel, by) + shift === roundInDoubles(x, channel, way)),
    ),
  );
}

/** What a {@link DoubleRounding} gives before the clamp, in the order of operations in which it is emitted. */
export function roundInDoubles(x: number, channel: number, { factor, offset, bend }: DoubleRounding): number {
  const bent = bend === undefined ? offset[channel]! : Math.sign(x) * bend[channel]! + offset[channel]!;
  return Math.floor(x * factor[channel]! + bent);
}

/** The cheap forms first: those that leave the sign alone do where all codes lie on one side of the zero point. */
function ways(by: FixedPoint, shift: number): DoubleRounding[] {
  const factor = Float64Array.from(by.multiplier, (m, c) => m * 2 ** -by.shift[c]!);
  const offset = Float64Array.from(by.multiplier, () => 0.5 + by.zeroPoint + shift);
  if (by.rounding === 'single') return [{ factor, offset }];
  const bend = Float64Array.from(by.shift, (n) => (n > 31 ? 2 ** -(n - 31 + 1) : 0));
  return [
    { factor, offset: offset.map((one, c) => one + bend[c]!) },
    { factor, offset: offset.map((one, c) => one - bend[c]!) },
    { factor, offset, bend },
  ];
}

const LEAST = -(2 ** 31);
const MOST = 2 ** 31 - 1;

/** True when both reach every code above the lowest at the same accumulator, or not at all in 32 bits. */
function stepsAlike(by: FixedPoint, way: DoubleRounding, channel: number, shift: number): boolean {
  const exact = (x: number): number => requantize(x, channel, by);
  for (let code = by.low + 1; code <= by.high; code++) {
    const near = (code - by.zeroPoint - 0.5) / way.factor[channel]!;
    const below = lastBelow(exact, code, near);
    if (below === undefined) return false;
    if (below >= LEAST && roundInDoubles(below, channel, way) >= code + shift) return false;
    if (below < MOST && roundInDoubles(below + 1, channel, way) < code + shift) return false;
  }
  return true;
}

const WALK = 8;

/** The largest accumulator below a code, one less than the least when there is none; undefined when it is far from where it should be. */
function lastBelow(exact: (x: number) => number, code: number, near: number): number | undefined {
  let x = Math.min(Math.max(Math.floor(near), LEAST), MOST);
  for (let tried = 0; tried < WALK; tried++) {
    if (exact(x) >= code) {
      if (--x < LEAST) return x;
    } else if (x === MOST || exact(x + 1) >= code) {
      return x;
    } else {
      x++;
    }
  }
  return undefined;
}
