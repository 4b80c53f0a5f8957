import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BitSet } from './bit-set.js';
import { mcNemar } from './mcnemar.js';
import { outputDivergence } from './output-divergence.js';
import { wilsonInterval } from './wilson.js';

describe('wilsonInterval', () => {
  it('gives the known values', () => {
    // Newcombe (1998), table I: 81/263, 15/148, 0/20, 1/29 by the score method
    for (const [correct, total, low, high] of [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ] as const) {
      const interval = wilsonInterval(correct, total);
      expect(interval.low).toBeCloseTo(low, 4);
      expect(interval.high).toBeCloseTo(high, 4);
    }
  });

  it('holds the share, stays in 0..1, and is symmetric', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (total, share) => {
          const correct = Math.round(share * total);
          const { low, high } = wilsonInterval(correct, total);
          expect(low).toBeGreaterThanOrEqual(0);
          expect(high).toBeLessThanOrEqual(1);
          expect(low).toBeLessThanOrEqual(correct / total);
          expect(high).toBeGreaterThanOrEqual(correct / total);
          const mirrored = wilsonInterval(total - correct, total);
          expect(1 - mirrored.high).toBeCloseTo(low, 12);
        },
      ),
    );
  });
});

describe('mcNemar', () => {
  it('gives the known values', () => {
    // 1 of 8: 2 (1 + 8) / 256; 0 of 5: 2 / 32
    expect(mcNemar(1, 7).exact).toBeCloseTo(18 / 256, 12);
    expect(mcNemar(1, 7).midP).toBeCloseTo(10 / 256, 12);
    expect(mcNemar(5, 0).exact).toBeCloseTo(2 / 32, 12);
    expect(mcNemar(5, 0).midP).toBeCloseTo(1 / 32, 12);
    expect(mcNemar(0, 0)).toEqual({ onlyFirst: 0, onlySecond: 0, exact: 1, midP: 1 });
  });

  it('equals the binomial sum', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 60 }), (first, second) => {
        const trials = BigInt(first + second);
        let tail = 0n;
        let choose = 1n;
        for (let k = 0n; k <= BigInt(Math.min(first, second)); k++) {
          if (k > 0n) choose = (choose * (trials - k + 1n)) / k;
          tail += choose;
        }
        const exact = Math.min(1, Number((tail * 2n * 10n ** 18n) / 2n ** trials) / 1e18);
        expect(mcNemar(first, second).exact).toBeCloseTo(exact, 10);
      }),
    );
  });

  it('is symmetric, orders its two values, and survives large counts', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 20_000 }),
        fc.integer({ min: 0, max: 20_000 }),
        (first, second) => {
          const { exact, midP } = mcNemar(first, second);
          expect(mcNemar(second, first).exact).toBe(exact);
          expect(midP).toBeLessThanOrEqual(exact);
          expect(exact).toBeGreaterThanOrEqual(0);
          expect(exact).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('outputDivergence', () => {
  const row = (...values: number[]) => Float32Array.from(values);

  it('gives the known values', () => {
    // fair coin against 3:1: ln(4/3) / 2
    expect(outputDivergence(row(0, 0), row(Math.log(3), 0), 0, 2, 'logits')).toBeCloseTo(
      Math.log(4 / 3) / 2,
      6,
    );
    expect(outputDivergence(row(0.5, 0.5), row(0.75, 0.25), 0, 2, 'probabilities')).toBeCloseTo(
      Math.log(4 / 3) / 2,
      6,
    );
    expect(outputDivergence(row(1, 0), row(0.5, 0.5), 0, 2, 'probabilities')).toBeCloseTo(Math.LN2, 12);
  });

  it('is 0 for equal outputs, not below 0, and blind to a shift of logits', () => {
    const logits = fc.array(fc.float({ min: -50, max: 50, noNaN: true }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(logits, logits, fc.integer({ min: -8, max: 8 }), (first, second, shift) => {
        const [p, q] = [Float32Array.from(first), Float32Array.from(second)];
        expect(outputDivergence(p, p, 0, 4, 'logits')).toBe(0);
        const found = outputDivergence(p, q, 0, 4, 'logits');
        expect(found).toBeGreaterThanOrEqual(0);
        const moved = q.map((value) => value + shift);
        expect(Math.abs(outputDivergence(p, moved, 0, 4, 'logits') - found)).toBeLessThan(1e-4);
      }),
    );
  });
});

describe('BitSet', () => {
  it('counts, compares and survives text', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 99 })),
        fc.uniqueArray(fc.integer({ min: 0, max: 99 })),
        (first, second) => {
          const [a, b] = [new BitSet(100), new BitSet(100)];
          for (const index of first) a.add(index);
          for (const index of second) b.add(index);
          expect(a.count).toBe(first.length);
          expect(a.countWithout(b)).toBe(first.filter((index) => !second.includes(index)).length);
          const read = BitSet.fromBase64(100, a.toBase64());
          expect(first.every((index) => read.has(index))).toBe(true);
          expect(read.count).toBe(a.count);
        },
      ),
    );
  });
});
