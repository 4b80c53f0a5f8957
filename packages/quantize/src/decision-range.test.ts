import { quantizeValue, seededRandom } from '@bitwright/core';
import { expect, it } from 'vitest';
import { preparedModel } from '../test/prepared-model.js';
import { rangeOnGrid } from './activation-range.js';
import { decidesClasses, decisionRange, type Scores } from './decision-range.js';
import type { ObserverGroup } from './prepare.js';
import type { CalibratedRange } from './ranges.js';

const CLASSES = 10;
const GEMM = 'Gemm<transB=1>(x, w)';
const graphOf = (body: string): string =>
  `g (float[N,4] x) => (float[N,3] y) <float[3,4] w = {${Array(12).fill('0.5')}}> { ${body} }`;

/** The grid group of a value. */
function groupOf(name: string, body = `y = ${GEMM}`, bits = 'W2A2'): ObserverGroup {
  const { groups } = preparedModel(graphOf(body), { backend: 'integer-only', bits });
  return groups.find(({ root }) => root.name === name)!;
}

/** Scores as a trained network gives them: one class stands out, another follows not far behind. */
function scores(samples: number): Scores {
  const random = seededRandom(1);
  const float = new Float32Array(samples * CLASSES);
  for (let sample = 0; sample < samples; sample++) {
    const row = float.subarray(sample * CLASSES, (sample + 1) * CLASSES);
    for (let i = 0; i < CLASSES; i++) row[i] = random() * 20 - 15;
    const first = sample % CLASSES;
    row[first] = 8 + random() * 12;
    row[(first + 3) % CLASSES] = row[first]! * (0.3 + 0.5 * random());
  }
  return { float, quantized: float, classes: CLASSES };
}

function correct({ float, quantized, classes }: Scores, range: CalibratedRange): number {
  let count = 0;
  for (let at = 0; at < float.length; at += classes) {
    const wanted = [...float.subarray(at, at + classes)];
    const codes = [...quantized.subarray(at, at + classes)].map((value) =>
      quantizeValue(value, range.scale, range.zeroPoint, range),
    );
    if (codes.indexOf(Math.max(...codes)) === wanted.indexOf(Math.max(...wanted))) count++;
  }
  return count;
}

it('tells more classes apart than the grid that is nearest to the scores, on samples that it has not seen too', () => {
  const group = groupOf('y_float');
  const all = scores(2000);
  const half: Scores = {
    float: all.float.subarray(0, 1000 * CLASSES),
    quantized: all.quantized.subarray(0, 1000 * CLASSES),
    classes: CLASSES,
  };
  const start = rangeOnGrid(group, { min: -15, max: 20, low: -10, high: 20 });
  const chosen = decisionRange(group, half, start);
  expect(correct(all, chosen)).toBeGreaterThan(1.1 * correct(all, start));
  expect([chosen.quantMin, chosen.quantMax]).toEqual([start.quantMin, start.quantMax]);
});

it('keeps the range where no other tells more classes apart', () => {
  const group = groupOf('y_float');
  const start = rangeOnGrid(group, { min: 0, max: 3, low: 0, high: 3 });
  const float = Float32Array.of(3, 0, 0, 0, 3, 0);
  expect(decisionRange(group, { float, quantized: float, classes: 3 }, start)).toBe(start);
});

it('counts a sample for nothing where another class has a higher code', () => {
  const group = groupOf('y_float');
  const start = rangeOnGrid(group, { min: 0, max: 3, low: 0, high: 3 });
  // the class of the float network is never first behind the quantized layers: no range mends that
  const float = Float32Array.of(3, 0, 0);
  const quantized = Float32Array.of(1, 3, 0);
  const chosen = decisionRange(group, { float, quantized, classes: 3 }, start);
  const code = (value: number): number => quantizeValue(value, chosen.scale, chosen.zeroPoint, chosen);
  expect(code(1)).toBe(code(3));
});

it('takes scores of classes for what they are, and nothing else', () => {
  const scored = groupOf('y_float');
  expect(decidesClasses(scored, [8, 10])).toBe(true);
  expect(decidesClasses(scored, [8, 2])).toBe(false);
  expect(decidesClasses(scored, [8, 10, 4])).toBe(false);
  expect(decidesClasses(groupOf('y_float', undefined, 'W8A8'), [8, 10])).toBe(false);
  expect(decidesClasses(groupOf('x'), [8, 4])).toBe(false);
  expect(decidesClasses(groupOf('h', `h = ${GEMM} y = Softmax(h)`), [8, 3])).toBe(true);
  expect(decidesClasses(groupOf('h', `h = ${GEMM} y = Neg(h)`), [8, 3])).toBe(false);
});
