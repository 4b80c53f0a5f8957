import {
  type FloatSolution,
  type GroupProblem,
  groupProblem,
  placeCodes,
  solveFloat,
} from './group-problem.js';
import { nearestCodes } from './nearest.js';
import type {
  Rounded,
  RoundingLayer,
  RoundingSpec,
  RoundingStatistics,
  RoundingTools,
} from './rounding-algorithm.js';
import { ScaleLayout } from './scale-layout.js';

/** Rounds one group: from the best float weights to codes in the problem's order; may refit its scales in place. */
export type RoundGroup = (
  problem: GroupProblem,
  solution: FloatSolution,
  spec: RoundingSpec,
  layout: ScaleLayout,
  scale: Float64Array,
) => Promise<Int32Array>;

/** Rounds a layer group by group. Groups that the data say nothing of get their nearest codes. */
export async function roundByGroup(
  layer: RoundingLayer,
  statistics: RoundingStatistics,
  spec: RoundingSpec,
  tools: RoundingTools,
  roundGroup: RoundGroup,
): Promise<Rounded> {
  const layout = new ScaleLayout(layer, spec);
  const { codes, scale } = nearestCodes(layer, spec);
  // one scale for several groups cannot follow each of them
  const fixedScale = spec.fixedScale || (scale.length === 1 && layer.groups > 1);
  for (let group = 0; group < layer.groups; group++) {
    const problem = groupProblem(layer, statistics, group);
    const solution = await solveFloat(problem, tools.product);
    if (solution === undefined) continue;
    const found = await roundGroup(problem, solution, { ...spec, scale, fixedScale }, layout, scale);
    placeCodes(problem, found, codes);
  }
  return { codes, scale };
}
