import { roundByGroup } from './by-group.js';
import { gptqGroup } from './gptq-group.js';
import type { SecondOrderRounding } from './rounding-algorithm.js';

/** Columns rounded in turn, each error made good by those that are left (E. Frantar et al., "GPTQ", 2022), towards the asymmetric target. */
export const gptqRounding: SecondOrderRounding = {
  name: 'gptq',
  description: 'columns rounded in turn, each error made good by those that are left',
  needsStatistics: true,
  round(layer, statistics, spec, tools) {
    return roundByGroup(layer, statistics, spec, tools, (problem, solution, groupSpec, layout) =>
      gptqGroup(problem, solution, groupSpec, layout, tools.product),
    );
  },
};
