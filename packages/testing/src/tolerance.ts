import { TestFailure } from './test-failure.js';

/** How far a number may be from what is expected: |found - expected| <= absolute + relative * |expected|. */
export interface Tolerance {
  /** In the unit of the values; 1e-6 by default. */
  readonly absolute?: number;
  /** A share of the expected value; 1e-5 by default, some hundred roundings to float32. */
  readonly relative?: number;
}

/**
 * Demands that two lists of numbers are equal within a tolerance. NaN equals NaN, infinities equal themselves.
 *
 * @param what the list is called in the message.
 * @throws TestFailure naming the worst element, both values, the difference, what is allowed, and how many are off.
 */
export function assertClose(
  found: ArrayLike<number | bigint>,
  expected: ArrayLike<number | bigint>,
  { absolute = 1e-6, relative = 1e-5 }: Tolerance = {},
  what = 'the values',
): void {
  if (found.length !== expected.length)
    throw new TestFailure(`${what}: ${found.length} elements were found and ${expected.length} expected.`);
  let off = 0;
  let worst = -1;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < found.length; i++) {
    const [x, y] = [Number(found[i]), Number(expected[i])];
    if (Object.is(x, y) || x === y) continue;
    const difference = Math.abs(x - y);
    const excess = Number.isNaN(difference)
      ? Number.POSITIVE_INFINITY
      : difference - absolute - relative * Math.abs(y);
    if (excess <= 0) continue;
    off++;
    if (excess <= most) continue;
    most = excess;
    worst = i;
  }
  if (off === 0) return;
  const [x, y] = [Number(found[worst]), Number(expected[worst])];
  throw new TestFailure(
    `${what}: element ${worst} is ${x} where ${y} is expected; they differ by ${Math.abs(x - y)}, and ` +
      `${absolute} + ${relative} * ${Math.abs(y)} = ${absolute + relative * Math.abs(y)} is allowed. ` +
      `${off} of ${found.length} elements are off.`,
  );
}
