import fc from 'fast-check';
import { expect, it } from 'vitest';
import { seededPermutation, seededRandom } from './random.js';

it('repeats itself for the same seed and not for another', () => {
  const draw = (seed: number): number[] => Array.from({ length: 5 }, seededRandom(seed));
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});

it('keeps giving the same numbers as in earlier releases', () => {
  // mulberry32 with seed 0, as its author's reference (github.com/bryc/code, PRNGs.md) computes it
  const reference = (seed: number) => {
    let a = seed;
    return () => {
      a |= 0;
      a = (a + 0x6d2b79f5) | 0;
      let t = Math.imul(a ^ (a >>> 15), 1 | a);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  };
  for (const seed of [0, 1, 2 ** 31, 2 ** 32 - 1]) {
    expect(Array.from({ length: 100 }, seededRandom(seed))).toEqual(
      Array.from({ length: 100 }, reference(seed)),
    );
  }
});

it('is uniform in [0, 1)', () => {
  const random = seededRandom(42);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10000; i++) {
    const value = random();
    expect(value).toBeGreaterThanOrEqual(0);
    counts[Math.floor(value * 10)]!++;
  }
  // 5 standard deviations of a binomial (10000, 0.1) are 150
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

it('permutes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300 }), fc.integer(), (count, seed) => {
      const order = seededPermutation(count, seed);
      expect([...order].toSorted((a, b) => a - b)).toEqual([...Array(count).keys()]);
      expect(seededPermutation(count, seed)).toEqual(order);
    }),
  );
  expect(seededPermutation(100, 1)).not.toEqual(seededPermutation(100, 2));
});

it('puts every number everywhere about equally often', () => {
  const counts = new Array<number>(9).fill(0);
  for (let seed = 0; seed < 3000; seed++) {
    const order = seededPermutation(3, seed * 7919);
    for (let i = 0; i < 3; i++) counts[i * 3 + order[i]!]!++;
  }
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
});
