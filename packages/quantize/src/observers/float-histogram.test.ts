import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FloatHistogram } from './float-histogram.js';

const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
const samples = fc.array(fc.oneof(finite, fc.constantFrom(0, -0, 1, -1, 6)), {
  minLength: 1,
  maxLength: 200,
});
const runs = { numRuns: 15 };

function histogramOf(...batches: (readonly number[])[]): FloatHistogram {
  const histogram = new FloatHistogram();
  for (const batch of batches) histogram.add(Float32Array.from(batch));
  return histogram;
}

/** All that a reader can see; the sign of a zero at an end depends on the order and matters to nobody. */
function contents(histogram: FloatHistogram): unknown {
  const bins: number[][] = [];
  histogram.forEachBin((low, high, count) => void bins.push([low, high, count]));
  return {
    bins,
    total: histogram.total,
    min: histogram.min + 0,
    max: histogram.max + 0,
    bad: histogram.notFinite,
  };
}

/** How wide a bin may be at a value: 1/512 of it, and the finest step where float32 is denormal. */
const binWidth = (value: number): number => Math.max(Math.abs(value) / 512, 2 ** -135);

it('does not depend on order or batch sizes', () => {
  fc.assert(
    fc.property(samples, fc.nat(60), fc.nat(60), (values, a, b) => {
      const whole = contents(histogramOf(values));
      const [first, second] = [Math.min(a, b), Math.max(a, b)];
      expect(
        contents(histogramOf(values.slice(0, first), values.slice(first, second), values.slice(second))),
      ).toEqual(whole);
      expect(contents(histogramOf(values.toReversed()))).toEqual(whole);
    }),
    runs,
  );
});

it('merges by addition, also after a merge, and with itself', () => {
  fc.assert(
    fc.property(samples, samples, samples, (a, b, c) => {
      const merged = histogramOf(a);
      merged.merge(histogramOf(b));
      expect(contents(merged)).toEqual(contents(histogramOf(a, b)));
      merged.add(Float32Array.from(c));
      const twice = histogramOf(a, b, c, a, b, c);
      expect(contents(merged)).toEqual(contents(histogramOf(a, b, c)));
      merged.merge(merged);
      expect(contents(merged)).toEqual(contents(twice));
    }),
    runs,
  );
});

it('takes nothing from a histogram that is merged into another', () => {
  const other = histogramOf([1, 2, 3]);
  const before = contents(other);
  const merged = histogramOf([]);
  merged.merge(other);
  merged.add(Float32Array.of(9));
  expect(contents(other)).toEqual(before);
});

it('knows smallest and largest exactly', () => {
  fc.assert(
    fc.property(samples, (values) => {
      const floats = values.map(Math.fround);
      const histogram = histogramOf(values);
      expect(histogram.min === Math.min(...floats)).toBe(true);
      expect(histogram.max === Math.max(...floats)).toBe(true);
      expect(histogram.total).toBe(values.length);
    }),
    runs,
  );
});

it('is empty at first', () => {
  const histogram = new FloatHistogram();
  expect(contents(histogram)).toEqual({ bins: [], total: 0, min: 0, max: 0, bad: 0 });
  expect(histogram.points(0.1).values).toHaveLength(0);
  histogram.assertFinite('x');
});

it('reads a view at its offset', () => {
  const all = Float32Array.of(100, 1, 2, -100);
  const histogram = new FloatHistogram();
  histogram.add(all.subarray(1, 3));
  expect(contents(histogram)).toEqual(contents(histogramOf([1, 2])));
});

it('counts NaN and infinities of both signs, and names the tensor', () => {
  const bits = Uint32Array.of(0x7fc00000, 0xffc00000, 0x7f800001, 0x7f800000, 0xff800000, 0x3f800000);
  const histogram = new FloatHistogram();
  histogram.add(new Float32Array(bits.buffer));
  expect(histogram.notFinite).toBe(5);
  expect(histogram.total).toBe(6);
  expect(() => histogram.assertFinite('layer1.output')).toThrow(
    expect.objectContaining({
      code: 'CALIBRATION_NOT_FINITE',
      at: { value: 'layer1.output' },
      message: expect.stringMatching(/'layer1\.output' held 5 .* of 6/),
    }),
  );
  const merged = new FloatHistogram();
  merged.merge(histogram);
  expect(merged.notFinite).toBe(5);
});

it('takes the largest finite values for finite', () => {
  const largest = 3.4028234663852886e38;
  const histogram = histogramOf([largest, -largest, 2 ** -149, -(2 ** -149)]);
  expect(histogram.notFinite).toBe(0);
  expect([histogram.min, histogram.max]).toEqual([-largest, largest]);
});

it('puts each value into a narrow bin, and shows bins in ascending order', () => {
  fc.assert(
    fc.property(samples, (values) => {
      let previous = Number.NEGATIVE_INFINITY;
      let left = values.map(Math.fround);
      histogramOf(values).forEachBin((low, high, count) => {
        expect(low).toBeGreaterThanOrEqual(previous);
        expect(high - low).toBeLessThanOrEqual(binWidth(Math.min(Math.abs(low), Math.abs(high))));
        const here = left.filter((value) => value <= high);
        expect(here.length === count || (low <= 0 && high >= 0)).toBe(true);
        // negative and positive zero are equal numbers in two bins
        left =
          high === 0 && Object.is(high, -0) ? dropZeros(left, count) : left.filter((value) => value > high);
        previous = high;
      });
      expect(left.filter((value) => value !== 0)).toEqual([]);
    }),
    runs,
  );
});

function dropZeros(values: readonly number[], count: number): number[] {
  const kept = values.filter((value) => value > 0 || Object.is(value, 0));
  expect(values.length - kept.length).toBe(count);
  return kept;
}

it('gives points in ascending order that keep the count and, within a bin, the mean', () => {
  fc.assert(
    fc.property(samples, fc.constantFrom(1e-3, 0.1, 3, 1e6), (raw, resolution) => {
      const floats = raw.map((value) => Math.fround(value % 1e4));
      const { values, counts } = histogramOf(floats).points(resolution);
      let total = 0;
      let mean = 0;
      for (let i = 0; i < values.length; i++) {
        expect(counts[i]).toBeGreaterThan(0);
        if (i > 0) expect(values[i]).toBeGreaterThan(values[i - 1]!);
        total += counts[i]!;
        mean += (values[i]! * counts[i]!) / floats.length;
      }
      const trueMean = floats.reduce((sum, value) => sum + value / floats.length, 0);
      const allowed = floats.reduce((sum, value) => sum + binWidth(value) / floats.length, 0);
      expect(total).toBeCloseTo(floats.length, 6);
      expect(Math.abs(mean - trueMean)).toBeLessThanOrEqual(allowed + 1e-9);
      expect(values[0]).toBeGreaterThanOrEqual(Math.min(...floats));
      expect(values.at(-1)).toBeLessThanOrEqual(Math.max(...floats));
    }),
    { numRuns: 30 },
  );
});

it('keeps zero apart from its neighbours at any resolution', () => {
  const { values, counts } = histogramOf([-0.2, -0, 0, 0, 0.2, 0.3]).points(100);
  expect(values.indexOf(0)).toBe(1);
  expect([...counts]).toEqual([1, 3, 2]);
  expect(values[2]).toBeCloseTo(0.25, 3);
});

it('splits bins that are wider than the resolution, and merges narrower ones', () => {
  const even = Array.from({ length: 1024 }, (_, i) => 1 + i / 1024);
  const coarse = histogramOf(even).points(0.25);
  expect([...coarse.counts]).toEqual([256, 256, 256, 256]);
  const fine = histogramOf(even).points(2 ** -12);
  expect(fine.values.length).toBeGreaterThan(2000);
  for (let i = 1; i < fine.values.length; i++) {
    expect(fine.values[i]! - fine.values[i - 1]!).toBeLessThanOrEqual(2 ** -12 * 1.5);
  }
});

it('goes on as it was from its state', () => {
  fc.assert(
    fc.property(samples, samples, (a, b) => {
      const carried = FloatHistogram.fromState(structuredClone(histogramOf(a).toState()));
      carried.add(Float32Array.from(b));
      expect(contents(carried)).toEqual(contents(histogramOf(a, b)));
    }),
    runs,
  );
});

it('knows its extremes exactly, whatever their signs, and takes NaN for infinity', () => {
  fc.assert(
    fc.property(samples, (values) => {
      const histogram = histogramOf(values);
      const floats = values.map(Math.fround);
      expect([histogram.min, histogram.max]).toEqual([Math.min(...floats) + 0, Math.max(...floats) + 0]);
    }),
    runs,
  );
  const nan = histogramOf([1, Number.NaN, -2]);
  expect([nan.min, nan.max, nan.notFinite]).toEqual([-2, Number.POSITIVE_INFINITY, 1]);
});
