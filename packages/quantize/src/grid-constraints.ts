import type { DTypeWithConstraints } from '@bitwright/backends';
import { MIN_SCALE, powerOfTwoAtLeast, type QuantGrid } from '@bitwright/core';

/** What a backend demands of a grid: the constraints of one operand, or of several that must be on one grid. */
export type GridConstraints = Omit<DTypeWithConstraints, 'perChannel' | 'channelAxis'>;

/** The constraints of two operands on one grid, or the first thing that they don't agree on, in words for both sides. */
export type Merged =
  | { readonly constraints: GridConstraints }
  | { readonly conflict: readonly [first: string, second: string] };

const SINGLE = ['signed', 'carrier'] as const;

const WORDS = {
  signed: (value: unknown) => (value === true ? 'signed codes' : 'unsigned codes'),
  carrier: (value: unknown) => `codes in ${String(value)}`,
} as const;

/** Puts the constraints of two operands together: a grid that meets the result meets both. */
export function mergeConstraints(a: GridConstraints, b: GridConstraints): Merged {
  const bits = a.bits.filter((width) => b.bits.includes(width));
  if (bits.length === 0) return { conflict: [widths(a.bits), widths(b.bits)] };
  for (const key of SINGLE) {
    if (a[key] !== undefined && b[key] !== undefined && a[key] !== b[key])
      return { conflict: [WORDS[key](a[key]), WORDS[key](b[key])] };
  }
  const range = mergeFixed(a, b);
  if (range !== undefined && 'conflict' in range) return range;
  const scaleMin = Math.max(a.scaleMinLowerBound ?? 0, b.scaleMinLowerBound ?? 0);
  const scaleMax = Math.min(a.scaleMaxUpperBound ?? Infinity, b.scaleMaxUpperBound ?? Infinity);
  if (scaleMin > scaleMax) return { conflict: [bounds(a), bounds(b)] };
  const low = Math.max(a.quantMinLowerBound ?? -Infinity, b.quantMinLowerBound ?? -Infinity);
  const high = Math.min(a.quantMaxUpperBound ?? Infinity, b.quantMaxUpperBound ?? Infinity);
  const signed = a.signed ?? b.signed;
  const carrier = a.carrier ?? b.carrier;
  return {
    constraints: {
      bits,
      ...((a.symmetric === true || b.symmetric === true) && { symmetric: true }),
      ...((a.powerOfTwo === true || b.powerOfTwo === true) && { powerOfTwo: true }),
      ...(signed !== undefined && { signed }),
      ...(carrier !== undefined && { carrier }),
      ...(range && { fixedRange: range.fixedRange }),
      ...(scaleMin > 0 && { scaleMinLowerBound: scaleMin }),
      ...(scaleMax < Infinity && { scaleMaxUpperBound: scaleMax }),
      ...(low > -Infinity && { quantMinLowerBound: low }),
      ...(high < Infinity && { quantMaxUpperBound: high }),
    },
  };
}

function mergeFixed(
  a: GridConstraints,
  b: GridConstraints,
):
  | { readonly fixedRange: readonly [number, number] }
  | { readonly conflict: readonly [string, string] }
  | undefined {
  const range = a.fixedRange ?? b.fixedRange;
  if (range === undefined) return undefined;
  const [low, high] = range;
  if (b.fixedRange !== undefined && (b.fixedRange[0] !== low || b.fixedRange[1] !== high))
    return { conflict: [fixed(range), fixed(b.fixedRange)] };
  const isCentred = low === -high;
  const signed = a.signed ?? b.signed;
  const symmetric = a.symmetric === true || b.symmetric === true;
  if (symmetric && !isCentred && signed === true) {
    const other = 'a symmetric grid of signed codes';
    return a.fixedRange === undefined
      ? { conflict: [other, fixed(range)] }
      : { conflict: [fixed(range), other] };
  }
  return { fixedRange: range };
}

/** The grid of a width with the codes that the constraints allow. */
export function constrainGrid(grid: QuantGrid, constraints: GridConstraints): QuantGrid {
  return {
    ...grid,
    quantMin: Math.max(grid.quantMin, constraints.quantMinLowerBound ?? grid.quantMin),
    quantMax: Math.min(grid.quantMax, constraints.quantMaxUpperBound ?? grid.quantMax),
  };
}

/** The smallest and largest scale that the constraints allow, powers of two where they must be. */
export function scaleBounds(
  constraints: GridConstraints,
  powerOfTwo: boolean,
): { readonly least: number; readonly most: number } {
  const least = constraints.scaleMinLowerBound ?? 0;
  const most = constraints.scaleMaxUpperBound ?? Infinity;
  if (!powerOfTwo) return { least: roundUp(least), most: roundDown(most) };
  const above = least === 0 ? 0 : powerOfTwoAtLeast(least);
  return {
    least: above,
    most: most === Infinity ? most : 2 ** Math.floor(Math.log2(Math.max(most, MIN_SCALE))),
  };
}

/** The nearest float32 that is not below x: a scale is one, and must not fall out of its bound by rounding. */
function roundUp(x: number): number {
  const rounded = Math.fround(x);
  return rounded >= x ? rounded : Math.fround(x * (1 + 2 ** -23));
}

function roundDown(x: number): number {
  const rounded = Math.fround(x);
  return rounded <= x ? rounded : Math.fround(x * (1 - 2 ** -24));
}

function widths(bits: readonly number[]): string {
  return `${bits.join(', ')} bits`;
}

function fixed([low, high]: readonly [number, number]): string {
  return `the fixed range ${low} to ${high}`;
}

function bounds({ scaleMinLowerBound = 0, scaleMaxUpperBound = Infinity }: GridConstraints): string {
  return `a scale from ${scaleMinLowerBound} to ${scaleMaxUpperBound}`;
}
