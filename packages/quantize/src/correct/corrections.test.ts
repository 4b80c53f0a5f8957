import { expect, it } from 'vitest';
import { randomProblem } from '../../test/rounding-problem.js';
import { nearestCodes } from '../rounding/nearest.js';
import { biasAnalytic } from './bias-analytic.js';
import { biasEmpirical } from './bias-empirical.js';
import { planCorrections } from './registry.js';
import { statisticsCorrection } from './statistics.js';

type Problem = ReturnType<typeof randomProblem>;

/** Deviation of each output channel of weights `scale * codes` on a problem's inputs. */
function deviations({ layer, statistics }: Problem, codes: Int32Array, scale: Float64Array): number[] {
  const { rows, columns } = layer;
  return Array.from({ length: rows }, (_, row) => {
    const weights = Array.from({ length: columns }, (_, k) => codes[row * columns + k]! * scale[row]!);
    let [square, mean] = [0, 0];
    for (let i = 0; i < columns; i++) {
      mean += weights[i]! * statistics.inputMean[i]!;
      for (let j = 0; j < columns; j++)
        square += weights[i]! * weights[j]! * statistics.gram[i * columns + j]!;
    }
    return Math.sqrt(square - mean ** 2);
  });
}

it('gives each output channel the deviation of the float network', () => {
  const problem = randomProblem({ rows: 5, columns: 16, bits: 3, seed: 4 });
  const { layer, spec, statistics } = problem;
  const rounded = nearestCodes(layer, spec);
  const factors = statisticsCorrection.correct({ layer, spec, rounded }, { statistics, expected: '' });
  const scale = rounded.scale.map((value, row) => value * (factors as Float64Array)[row]!);
  const wanted = Array.from(statistics.outputSquare, (square, row) =>
    Math.sqrt(square - statistics.outputMean[row]! ** 2),
  );
  for (const [row, found] of deviations(problem, rounded.codes, scale).entries())
    expect(found / wanted[row]!).toBeCloseTo(1, 9);
});

it('leaves a channel alone that does not vary, or whose codes are all zero', () => {
  const { layer, spec, statistics } = randomProblem({ rows: 2, columns: 8, bits: 4, seed: 1 });
  const rounded = { codes: new Int32Array(16), scale: spec.scale };
  expect(statisticsCorrection.correct({ layer, spec, rounded }, { statistics, expected: '' })).toEqual(
    Float64Array.of(1, 1),
  );
});

it('moves biases by what rounded weights take from the mean', () => {
  const { layer, spec, statistics } = randomProblem({ rows: 3, columns: 10, bits: 2, seed: 9 });
  const rounded = nearestCodes(layer, spec);
  const given = { layer, spec, rounded };
  const expected = statistics.inputMean;
  const analytic = biasAnalytic.correct(given, { statistics: undefined, expected }) as Float64Array;
  for (const [row, shift] of analytic.entries()) {
    let error = 0;
    for (let k = 0; k < 10; k++)
      error +=
        (layer.weights[row * 10 + k]! - rounded.codes[row * 10 + k]! * rounded.scale[row]!) * expected[k]!;
    expect(shift).toBeCloseTo(error, 12);
  }
  // where the float network's inputs are those that are measured, both corrections are one
  const outputMean = Float64Array.from({ length: 3 }, (_, row) =>
    expected.reduce((sum, x, k) => sum + layer.weights[row * 10 + k]! * x, 0),
  );
  const measured = { ...statistics, outputMean };
  const empirical = biasEmpirical.correct(given, { statistics: measured, expected: '' }) as Float64Array;
  for (const [row, shift] of empirical.entries()) expect(shift).toBeCloseTo(analytic[row]!, 12);
});

it('says why a bias is not corrected', () => {
  const { layer, spec } = randomProblem({ rows: 1, columns: 4, bits: 2, seed: 2 });
  const given = { layer, spec, rounded: nearestCodes(layer, spec) };
  expect(biasAnalytic.correct(given, { statistics: undefined, expected: 'because' })).toBe('because');
  expect(biasEmpirical.correct(given, { statistics: undefined, expected: '' })).toContain(
    'nothing was measured',
  );
});

it('plans the method itself, and in its place what is named', () => {
  const names = (...list: string[]): string[] =>
    planCorrections(list, [biasEmpirical]).layers.map(({ name }) => name);
  expect(names()).toEqual(['bias-empirical']);
  expect(names('bias-analytic')).toEqual(['bias-analytic']);
  expect(names('statistics')).toEqual(['statistics', 'bias-empirical']);
  expect(names('bias-analytic', 'statistics')).toEqual(['statistics', 'bias-analytic']);
  expect([...planCorrections([], [biasEmpirical]).named]).toEqual([]);
  expect([...planCorrections(['statistics']).named]).toEqual(['statistics', 'bias-empirical']);
});

it('refuses unknown names and two corrections of the same biases', () => {
  expect(() => planCorrections(['statistic'])).toThrow(/no correction 'statistic'/);
  expect(() => planCorrections(['bias-analytic', 'bias-empirical'])).toThrow(/same biases/);
});
