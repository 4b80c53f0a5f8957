import { type QParams, quantizeValue } from '@bitwright/core';
import { qparamsOf, type Value } from '@bitwright/graph';
import { highest, holdsClassScores } from '../decision-range.js';
import type { ObserverGroup } from '../prepare.js';
import { power, type Rows } from './rows.js';

/**
 * How well a network answers each sample, the more the better. For class scores: 1 where the class of the float network has the
 * highest code, 1/n where n classes share it, else 0. For any other output: minus the squared error over the mean power.
 *
 * @param found the output's rows behind the quantized network, before a quantizer that stands on them.
 * @param wanted those of the float network.
 */
export function answers(
  output: Value,
  groups: readonly ObserverGroup[],
  found: Rows,
  wanted: Rows,
): Float64Array {
  const [quantizer] = groups.find(({ root }) => root === output)?.quantizers ?? [];
  if (holdsClassScores(output, wanted.sizes))
    return credits(found, wanted, quantizer && qparamsOf(quantizer));
  const unit = 1 / Math.max(power(wanted.values), 1e-12);
  return perSample(found, wanted, (own, float) => -meanSquare(own, float) * unit);
}

function credits(found: Rows, wanted: Rows, grid: QParams | undefined): Float64Array {
  const code = (value: number): number =>
    grid === undefined ? value : quantizeValue(value, grid.scale[0]!, grid.zeroPoint[0]!, grid);
  return perSample(found, wanted, (own, float) => {
    const chosen = code(own[highest(float)]!);
    let equal = 0;
    for (const value of own) {
      const other = code(value);
      if (other > chosen) return 0;
      if (other === chosen) equal++;
    }
    return 1 / equal;
  });
}

function meanSquare(found: Float32Array, wanted: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < found.length; i++) sum += (found[i]! - wanted[i]!) ** 2;
  return sum / found.length;
}

function perSample(
  found: Rows,
  wanted: Rows,
  score: (found: Float32Array, wanted: Float32Array) => number,
): Float64Array {
  const size = wanted.values.length / wanted.samples;
  return Float64Array.from({ length: wanted.samples }, (_, i) =>
    score(found.values.subarray(i * size, (i + 1) * size), wanted.values.subarray(i * size, (i + 1) * size)),
  );
}

/**
 * True where samples are answered worse than before by more than chance explains: the sum of the differences lies below minus
 * twice the root of the sum of their squares, its standard deviation if they had no tendency (the sign test, for differences of any size).
 */
export function areWorse(after: Float64Array, before: Float64Array): boolean {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < after.length; i++) {
    const difference = after[i]! - before[i]!;
    sum += difference;
    squares += difference * difference;
  }
  return sum < -2 * Math.sqrt(squares);
}
