import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PLAIN_PRODUCT } from '../../test/rounding-problem.js';
import { accumulatorLimit, projectRow, RowSums } from './accumulator-budget.js';
import { coordinateDescentRounding } from './coordinate-descent.js';

/** The extreme sums of codes, found by trying the worst input of each product. */
function extremes(codes: ArrayLike<number>, inputLow: number, inputHigh: number): [number, number] {
  let low = 0;
  let high = 0;
  for (let k = 0; k < codes.length; k++) {
    low += Math.min(codes[k]! * inputLow, codes[k]! * inputHigh);
    high += Math.max(codes[k]! * inputLow, codes[k]! * inputHigh);
  }
  return [low, high];
}

const weights = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 });
const inputs = fc.constantFrom([0, 15], [-5, 10], [0, 255], [-128, 127]);

test('projected codes never pass the register, and stay as they are where they fit', () => {
  fc.assert(
    fc.property(
      weights,
      inputs,
      fc.integer({ min: 6, max: 20 }),
      fc.boolean(),
      (row, [low, high], bits, mayRescale) => {
        const limit = accumulatorLimit(bits, low!, high!);
        const { codes, scale } = projectRow({
          weights: Float64Array.from(row),
          importance: new Float64Array(row.length).fill(1),
          limit,
          low: -8,
          high: 7,
          scale: 0.125,
          mayRescale,
        });
        const [least, most] = extremes(codes, low!, high!);
        expect(least).toBeGreaterThanOrEqual(-(2 ** (bits - 1)));
        expect(most).toBeLessThanOrEqual(2 ** (bits - 1) - 1);
        const nearest = row.map((weight) => Math.min(7, Math.max(-8, Math.round(weight / 0.125))));
        if (new RowSums(limit, nearest).fits && !mayRescale) expect(scale).toBe(0.125);
      },
    ),
  );
});

test('the running sums are those of the codes, and a move stops where the room ends', () => {
  const limit = accumulatorLimit(8, 0, 15);
  const sums = new RowSums(limit, [3, -2, 4]);
  expect([sums.low, sums.high]).toEqual(extremes([3, -2, 4], 0, 15));
  expect(sums.nearest(4, 7)).toBe(5);
  expect(sums.nearest(-2, -30)).toBe(-8);
  sums.move(4, 5);
  expect(sums.high).toBe(120);
});

test('coordinate descent keeps every row within the register', async () => {
  const columns = 40;
  const rows = 6;
  const random = (seed: number): number => ((Math.sin(seed * 12.9898) * 43758.5453) % 1) - 0;
  const layer = {
    name: 'x',
    groups: 1,
    rows,
    columns,
    taps: 1,
    weights: Float64Array.from({ length: rows * columns }, (_, i) => random(i)),
  };
  const gram = new Float64Array(columns * columns);
  for (let i = 0; i < columns; i++)
    for (let j = 0; j < columns; j++) gram[i * columns + j] = i === j ? 1 : 0.2;
  const target = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++)
    for (let j = 0; j < columns; j++)
      for (let k = 0; k < columns; k++)
        target[r * columns + j]! += layer.weights[r * columns + k]! * gram[k * columns + j]!;
  const mean = new Float64Array(columns);
  const output = new Float64Array(rows);
  const statistics = { gram, target, inputMean: mean, outputMean: output, outputSquare: output, count: 100 };
  for (const bits of [9, 11, 16]) {
    const limit = accumulatorLimit(bits, 0, 15);
    const { codes } = await coordinateDescentRounding.round(
      layer,
      statistics,
      {
        low: new Int32Array(rows).fill(-8),
        high: new Int32Array(rows).fill(7),
        scale: new Float64Array(rows).fill(0.125),
        fixedScale: false,
        accumulator: limit,
      },
      { product: PLAIN_PRODUCT },
    );
    for (let r = 0; r < rows; r++) {
      const [least, most] = extremes(codes.subarray(r * columns, (r + 1) * columns), 0, 15);
      expect(least).toBeGreaterThanOrEqual(limit.low);
      expect(most).toBeLessThanOrEqual(limit.high);
    }
  }
});
