import { expect, it } from 'vitest';
import { randomProblem } from '../../test/rounding-problem.js';
import { accumulatorLimit } from './accumulator-budget.js';
import { diagnoseLostWeights } from './lost-weights.js';
import { nearestCodes } from './nearest.js';

const { layer, spec } = randomProblem({ rows: 8, columns: 144, bits: 8, seed: 5 });

function told(bits: number, inputHigh: number) {
  const held = { ...spec, accumulator: accumulatorLimit(bits, 0, inputHigh) };
  return diagnoseLostWeights(layer, held, nearestCodes(layer, held));
}

it('tells of weights that a narrow accumulator has destroyed, and how many codes are 0', () => {
  const [found, ...more] = told(12, 255);
  expect(more).toEqual([]);
  expect(found).toMatchObject({
    code: 'ACCUMULATOR_TOO_NARROW',
    severity: 'warning',
    at: { node: 'layer' },
  });
  const [error, zeros] = [...found!.message.matchAll(/(\d+) %/g)].map(([, percent]) => Number(percent));
  expect(error).toBeGreaterThanOrEqual(50);
  expect(zeros).toBeGreaterThan(80);
});

it('says nothing where there is room', () => {
  expect(told(20, 255)).toEqual([]);
});

it('says nothing of coarse weights without an accumulator', () => {
  const two = randomProblem({ rows: 8, columns: 144, bits: 2, seed: 5 });
  const rounded = nearestCodes(two.layer, two.spec);
  expect(diagnoseLostWeights(two.layer, two.spec, rounded)).toEqual([]);
  const roomy = { ...two.spec, accumulator: accumulatorLimit(32, 0, 255) };
  expect(diagnoseLostWeights(two.layer, roomy, rounded)).toEqual([]);
});

it('says nothing of a large error that leaves the codes', () => {
  const held = { ...spec, accumulator: accumulatorLimit(20, 0, 255) };
  const { codes, scale } = nearestCodes(layer, held);
  expect(diagnoseLostWeights(layer, held, { codes: codes.map((code) => -code), scale })).toEqual([]);
});
