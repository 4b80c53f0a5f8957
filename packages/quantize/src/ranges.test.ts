import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type CalibratedRange, type CalibratedRanges, formatRanges, parseRanges } from './ranges.js';

const RANGE: CalibratedRange = {
  bits: 4,
  signed: false,
  quantMin: 0,
  quantMax: 15,
  min: -0.25,
  max: 3,
  low: -0.2,
  high: 2.5,
  scale: Math.fround(2.7 / 15),
  zeroPoint: 1,
};
const RANGES: CalibratedRanges = { observer: 'mse', samples: 512, tensors: { input: RANGE, 'a/b:0': RANGE } };

const invalid = (why: string) =>
  expect.objectContaining({
    name: 'BitwrightError',
    code: 'RANGES_INVALID',
    message: expect.stringContaining(why),
    at: { file: 'saved.json', option: '--ranges' },
  });

/** The saved text with one tensor's range changed. */
function changed(change: object): string {
  return formatRanges({ ...RANGES, tensors: { bad: { ...RANGE, ...change } } });
}

it('reads back what it writes', () => {
  expect(parseRanges(formatRanges(RANGES), 'saved.json')).toMatchObject(RANGES);
  expect(formatRanges(RANGES).endsWith('}\n')).toBe(true);
});

it('keeps every float to the last bit', () => {
  const float = fc.float({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(
      float,
      float,
      fc.float({ min: Math.fround(1e-7), max: Math.fround(1e30), noNaN: true }),
      (low, high, scale) => {
        const range = { ...RANGE, low: low + 0, high: high + 0, scale };
        const { tensors } = parseRanges(formatRanges({ ...RANGES, tensors: { t: range } }), 'saved.json');
        expect(tensors['t']).toEqual(range);
      },
    ),
  );
});

it('keeps tensors of awkward names', () => {
  const tensors = Object.fromEntries(['__proto__', 'constructor', '', 'ä "b"'].map((name) => [name, RANGE]));
  const read = parseRanges(formatRanges({ ...RANGES, tensors }), 'saved.json');
  expect(Object.keys(read.tensors)).toEqual(Object.keys(tensors));
});

it.each(['', '{', 'bitwright', '{"format": "bitwright-ranges-1",}'])(
  'refuses %j, which is not JSON',
  (text) => {
    expect(() => parseRanges(text, 'saved.json')).toThrow(invalid('not JSON'));
  },
);

it.each(['null', '[]', '3', '{}', '{"format": "bitwright-ranges-2", "tensors": {}}'])(
  'refuses %s, which is another format',
  (text) => {
    expect(() => parseRanges(text, 'saved.json')).toThrow(invalid('bitwright-ranges-1'));
  },
);

it.each([
  { scale: 0 },
  { scale: -1 },
  { scale: '0.5' },
  { scale: undefined },
  { low: null },
  { zeroPoint: Number.NaN },
  { zeroPoint: 16 },
  { zeroPoint: -1 },
  { zeroPoint: 0.5 },
  { quantMax: undefined },
  { bits: undefined },
  { signed: undefined },
])('refuses a range with %o', (change) => {
  expect(() => parseRanges(changed(change), 'saved.json')).toThrow(invalid("'bad'"));
});

it.each(['null', '3', '"x"', '[]'])('refuses %s for a range', (text) => {
  const saved = `{"format": "bitwright-ranges-1", "tensors": {"bad": ${text}}}`;
  expect(() => parseRanges(saved, 'saved.json')).toThrow(invalid("'bad'"));
});
