import { describe, expect, it } from 'vitest';
import { type CountedAnswers, diagnoseAccuracy, diagnoseFloatAccuracy } from './diagnose-accuracy.js';

const FINE: CountedAnswers = {
  correct: 9173,
  total: 10000,
  classes: 10,
  mostAnswered: 1040,
  mostLabelled: 1000,
};
const GUESSING = { ...FINE, correct: 1087 };

function told(counted: CountedAnswers, context: { bits?: number[]; float?: CountedAnswers } = {}): string[] {
  return diagnoseAccuracy(counted, { model: 'm.onnx', ...context }).map(
    ({ code, severity }) => `${severity} ${code}`,
  );
}

describe('E-CHANCE', () => {
  it('up to three standard deviations above guessing: an error where the float model is fine', () => {
    expect(told(GUESSING)).toEqual(['warning E-CHANCE']);
    expect(told(GUESSING, { float: FINE })).toEqual(['error E-CHANCE']);
    expect(told(GUESSING, { float: GUESSING })).toEqual(['warning E-CHANCE']);
    expect(told({ ...FINE, correct: 800 })).toEqual(['warning E-CHANCE']);
  });

  it('names the accumulator that weights were rounded for', () => {
    const [found] = diagnoseAccuracy(GUESSING, { model: 'm.onnx', float: FINE, accumulatorBits: 12 });
    expect(found!.hint).toContain('accumulators of 12 bits');
    expect(diagnoseAccuracy(GUESSING, { model: 'm.onnx', float: FINE })[0]!.hint).not.toContain(
      'accumulators',
    );
  });

  it('not above, nor where the samples are too few to tell', () => {
    expect(told({ ...FINE, correct: 1091 })).toEqual([]);
    expect(told({ correct: 1, total: 2, classes: 10, mostAnswered: 1, mostLabelled: 1 })).toEqual([]);
    expect(told({ correct: 0, total: 0, classes: 10, mostAnswered: 0, mostLabelled: 0 })).toEqual([]);
    expect(told({ ...FINE, classes: 1 })).toEqual([]);
  });
});

describe('E-CONST', () => {
  it('where one class is given to nearly everything', () => {
    expect(told({ ...FINE, correct: 1500, mostAnswered: 9001 })).toEqual(['error E-CONST']);
  });

  it('not at 90 %, nor where the labels are as one-sided', () => {
    expect(told({ ...FINE, mostAnswered: 9000 })).toEqual([]);
    expect(told({ ...FINE, mostAnswered: 9100, mostLabelled: 9050 })).toEqual([]);
  });
});

describe('W-SUSPECT', () => {
  it('where percent is one of the widths', () => {
    expect(told({ ...FINE, classes: 1000, correct: 400 }, { bits: [2, 4] })).toEqual(['warning W-SUSPECT']);
    expect(told({ ...FINE, classes: 1000, correct: 401 }, { bits: [2, 4] })).toEqual([]);
    expect(told({ ...FINE, classes: 1000, correct: 400 })).toEqual([]);
  });
});

it('W-FP32-FIRST: only where the float model guesses', () => {
  expect(diagnoseFloatAccuracy(FINE, 'm.onnx')).toEqual([]);
  expect(diagnoseFloatAccuracy(GUESSING, 'm.onnx')).toMatchObject([
    { code: 'W-FP32-FIRST', severity: 'warning', at: { file: 'm.onnx' } },
  ]);
});
