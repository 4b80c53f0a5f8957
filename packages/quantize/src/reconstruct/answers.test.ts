import { seededRandom } from '@bitwright/core';
import { describe, expect, it } from 'vitest';
import { preparedModel } from '../../test/prepared-model.js';
import { answers, areWorse } from './answers.js';

const TEXT = `g (float[N,2] x) => (float[N,3] y) <float[3,2] w = {1, 0, 0, 1, 1, 1}> { y = Gemm<transB=1>(x, w) }`;
const rows = (values: number[], columns = 3) => ({
  values: Float32Array.from(values),
  samples: values.length / columns,
  sizes: [values.length / columns, columns],
});

describe('answers', () => {
  const { module } = preparedModel(TEXT, { backend: 'integer-only', bits: 'W8A8' });
  const output = [...module.graph.ops()].find((node) => node.is('Gemm'))!.outputs[0]!;

  it('gives a class that shares the highest score its share, and none to one below it', () => {
    const found = rows([5, 1, 2, 4, 4, 1, 7, 7, 7, 1, 2, 0]);
    const wanted = rows([3, 0, 0, 0, 9, 0, 2, 1, 0, 4, 1, 0]);
    expect([...answers(output, [], found, wanted)]).toEqual([1, 1 / 2, 1 / 3, 0]);
  });

  it('counts the squared error by the power of what was wanted for other outputs', () => {
    const found = rows([1, 2, 3, 3], 2);
    const wanted = rows([1, 1, 3, 1], 2);
    expect([...answers(output, [], found, wanted)]).toEqual([-0.5 / 3, -2 / 3]);
  });
});

describe('areWorse', () => {
  const random = seededRandom(5);
  const base = Float64Array.from({ length: 400 }, () => Math.round(random()));

  it('is false for the same, for better ones and for a few that changed by chance', () => {
    expect(areWorse(base, base)).toBe(false);
    expect(
      areWorse(
        base.map(() => 1),
        base,
      ),
    ).toBe(false);
    const few = base.map((value, i) => (i < 3 ? 0 : value));
    expect(areWorse(few, base)).toBe(false);
  });

  it('is true where many are lost and few are won', () => {
    expect(
      areWorse(
        base.map((value, i) => (i < 60 ? 0 : value)),
        base,
      ),
    ).toBe(true);
  });
});
