import { quantGrid } from '@bitwright/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { constrainGrid, type GridConstraints, mergeConstraints, scaleBounds } from './grid-constraints.js';

const eight: GridConstraints = { bits: [8] };
const merge = (a: Partial<GridConstraints>, b: Partial<GridConstraints>) =>
  mergeConstraints({ ...eight, ...a }, { ...eight, ...b });

it('keeps what either side demands', () => {
  expect(
    mergeConstraints(
      { bits: [4, 8], symmetric: true, scaleMinLowerBound: 0.25, quantMinLowerBound: -127 },
      { bits: [8, 16], powerOfTwo: true, scaleMaxUpperBound: 2, carrier: 'int8', signed: true },
    ),
  ).toEqual({
    constraints: {
      bits: [8],
      symmetric: true,
      powerOfTwo: true,
      signed: true,
      carrier: 'int8',
      scaleMinLowerBound: 0.25,
      scaleMaxUpperBound: 2,
      quantMinLowerBound: -127,
    },
  });
});

it('names both sides of what contradicts itself, in their order', () => {
  expect(mergeConstraints({ bits: [4] }, { bits: [8, 16] })).toEqual({ conflict: ['4 bits', '8, 16 bits'] });
  expect(merge({ signed: true }, { signed: false })).toEqual({
    conflict: ['signed codes', 'unsigned codes'],
  });
  expect(merge({ carrier: 'int8' }, { carrier: 'uint8' })).toEqual({
    conflict: ['codes in int8', 'codes in uint8'],
  });
  expect(merge({ fixedRange: [0, 1] }, { fixedRange: [-1, 1] })).toEqual({
    conflict: ['the fixed range 0 to 1', 'the fixed range -1 to 1'],
  });
  expect(merge({ symmetric: true, signed: true }, { fixedRange: [0, 1] })).toEqual({
    conflict: ['a symmetric grid of signed codes', 'the fixed range 0 to 1'],
  });
  expect(merge({ scaleMinLowerBound: 2 }, { scaleMaxUpperBound: 1 })).toEqual({
    conflict: ['a scale from 2 to Infinity', 'a scale from 0 to 1'],
  });
  expect(merge({ fixedRange: [-1, 1] }, { symmetric: true, signed: true })).toMatchObject({
    constraints: { fixedRange: [-1, 1] },
  });
});

const anyConstraints = fc.record(
  {
    bits: fc.constantFrom([8], [4, 8], [2, 3, 4]),
    symmetric: fc.boolean(),
    signed: fc.boolean(),
    powerOfTwo: fc.boolean(),
    scaleMinLowerBound: fc.constantFrom(0.25, 0.5),
    scaleMaxUpperBound: fc.constantFrom(0.3, 1),
    carrier: fc.constantFrom('int8' as const, 'uint8' as const),
  },
  { requiredKeys: ['bits'] },
) as fc.Arbitrary<GridConstraints>;

it('does not depend on the order, and what it has merged agrees with both sides', () => {
  fc.assert(
    fc.property(anyConstraints, anyConstraints, (a, b) => {
      const [one, other] = [mergeConstraints(a, b), mergeConstraints(b, a)];
      expect('conflict' in one).toBe('conflict' in other);
      if ('conflict' in one || 'conflict' in other) return;
      expect(one.constraints).toEqual(other.constraints);
      for (const side of [a, b])
        expect(mergeConstraints(one.constraints, side)).toEqual({ constraints: one.constraints });
    }),
  );
});

it('holds codes and scales within their bounds', () => {
  expect(constrainGrid(quantGrid(8, true), { bits: [8], quantMinLowerBound: -127 })).toMatchObject({
    quantMin: -127,
    quantMax: 127,
  });
  expect(
    constrainGrid(quantGrid(4, false), { bits: [4], quantMinLowerBound: -127, quantMaxUpperBound: 9 }),
  ).toMatchObject({ quantMin: 0, quantMax: 9 });
  expect(scaleBounds(eight, false)).toEqual({ least: 0, most: Infinity });
  expect(scaleBounds({ ...eight, scaleMinLowerBound: 0.3, scaleMaxUpperBound: 0.9 }, true)).toEqual({
    least: 0.5,
    most: 0.5,
  });
  const { least, most } = scaleBounds({ ...eight, scaleMinLowerBound: 0.1, scaleMaxUpperBound: 0.1 }, false);
  expect([least >= 0.1, most <= 0.1]).toEqual([true, true]);
});
