import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printDouble, printFloat32, printFloatLiteral } from './print-number.js';

test('the text of a float32 reads back as the same float32', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(Object.is(Math.fround(Number(printFloat32(value))), value)).toBe(true);
      expect(printFloat32(value).length).toBeLessThanOrEqual(printDouble(value).length);
    }),
    { numRuns: 2000 },
  );
});

test('the text of a double reads back as the same double', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(Object.is(Number(printDouble(value)), value)).toBe(true);
    }),
  );
});

test.each([
  [0.1, '0.1'],
  [Math.fround(0.1), '0.1'],
  [1, '1.0'],
  [-0, '-0.0'],
  [16777216, '16777216.0'],
  [1e-5, '0.00001'],
  [1e30, '1e+30'],
  [Number.NaN, 'nan'],
  [Number.POSITIVE_INFINITY, 'inf'],
  [Number.NEGATIVE_INFINITY, '-inf'],
  [1e300, 'inf'],
])('the float literal of %d is %s', (value, text) => {
  expect(printFloatLiteral(value)).toBe(text);
});
