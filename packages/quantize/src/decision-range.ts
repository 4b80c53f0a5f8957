import { quantizeValue } from '@bitwright/core';
import { isDeQuantStub, isQuantizer, type Value } from '@bitwright/graph';
import { isConstrained, rangeOnGrid } from './activation-range.js';
import type { ObserverGroup } from './prepare.js';
import type { CalibratedRange } from './ranges.js';

/** Scores of samples, row by row: those of the float network and those that the grid will be laid over. */
export interface Scores {
  readonly float: Float32Array;
  readonly quantized: Float32Array;
  /** Scores of one sample. */
  readonly classes: number;
}

// above this width the steps are finer than the gaps between the first two classes
const WIDEST = 6;
const FEWEST_CLASSES = 3;
const SHORTEST = 0.1;
const SHRINKAGE = 0.94;
const ZERO_POINTS = 16;
/** Runners-up that are compared with the chosen class; more on its code change little. */
const RUNNERS_UP = 4;

/**
 * True for a grid that decides between classes: up to 6 bits, on a value of rank 2 with three columns or more that nothing
 * reads but the end of the network or a Softmax before it.
 *
 * @param dims sizes of the value in calibration.
 */
export function decidesClasses(group: ObserverGroup, dims: readonly number[]): boolean {
  const { root, roots, config, constant } = group;
  if (constant !== undefined || !holdsClassScores(root, dims)) return false;
  return roots.length === 1 && config.activations <= WIDEST && !isConstrained(group);
}

/** True for a value of rank 2 with three columns or more that nothing reads but the end of the network or a Softmax before it. */
export function holdsClassScores(value: Value, dims: readonly number[]): boolean {
  return dims.length === 2 && dims[1]! >= FEWEST_CLASSES && leadsOut(value);
}

function leadsOut(value: Value): boolean {
  return [...value.users()].every((node) => {
    if (node.kind !== 'op') return true;
    const passes = node.is('Softmax') || isDeQuantStub(node) || isQuantizer(node);
    return passes && leadsOut(node.outputs[0]!);
  });
}

/**
 * Chooses the range of the scores of classes by what they are for: the code of the class that the float network chooses must
 * be above the others'. The smallest error of the scores would give few codes to the gap between the first two classes, and
 * at 2 to 4 bits many samples would tie. Without labels.
 *
 * @param start the range that the observer chose; among equally good ones that which is nearest to it is taken.
 */
export function decisionRange(group: ObserverGroup, scores: Scores, start: CalibratedRange): CalibratedRange {
  const ranked = rank(scores);
  const { min, max, quantMin, quantMax } = start;
  let best = start;
  let most = agreement(ranked, start);
  let nearest = 0;
  const levels = quantMax - quantMin;
  const every = Math.max(1, Math.floor(levels / ZERO_POINTS));
  for (let share = 1; share > SHORTEST; share *= SHRINKAGE) {
    for (let below = 0; below < levels; below += every) {
      const scale = (Math.max(max, -min) * share) / (levels - below);
      const range = rangeOnGrid(group, { min, max, low: -below * scale, high: (levels - below) * scale });
      const found = agreement(ranked, range);
      const distance = Math.abs(Math.log(range.scale / start.scale));
      if (found < most || (found === most && distance >= nearest)) continue;
      [best, most, nearest] = [range, found, distance];
    }
  }
  return best;
}

/** Of each sample the score of the class that the float network chooses, and the highest of the others. */
interface Ranked {
  readonly values: Float32Array;
  readonly kept: number;
}

function rank({ float, quantized, classes }: Scores): Ranked {
  const samples = float.length / classes;
  const kept = 1 + Math.min(RUNNERS_UP, classes - 1);
  const values = new Float32Array(samples * kept);
  for (let sample = 0; sample < samples; sample++) {
    const own = quantized.subarray(sample * classes, (sample + 1) * classes);
    const chosen = highest(float.subarray(sample * classes, (sample + 1) * classes));
    const others = own.filter((_, i) => i !== chosen).sort();
    values[sample * kept] = own[chosen]!;
    for (let i = 1; i < kept; i++) values[sample * kept + i] = others[others.length - i]!;
  }
  return { values, kept };
}

/** The place of the highest value, the first of several. */
export function highest(values: Float32Array): number {
  let at = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[at]!) at = i;
  return at;
}

/** Samples whose chosen class has the highest code; where others share it, it counts for its share. */
function agreement({ values, kept }: Ranked, range: CalibratedRange): number {
  const { scale, zeroPoint } = range;
  let sum = 0;
  for (let at = 0; at < values.length; at += kept) {
    const own = quantizeValue(values[at]!, scale, zeroPoint, range);
    let equal = 1;
    for (let i = 1; i < kept; i++) {
      const other = quantizeValue(values[at + i]!, scale, zeroPoint, range);
      if (other > own) equal = Number.POSITIVE_INFINITY;
      if (other < own) break;
      equal++;
    }
    sum += 1 / equal;
  }
  return sum;
}
