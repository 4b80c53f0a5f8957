import { roundByGroup } from './by-group.js';
import { descendGroup } from './coordinate-descent-group.js';
import { gptqGroup } from './gptq-group.js';
import { holdRows } from './hold-rows.js';
import type { SecondOrderRounding } from './rounding-algorithm.js';

const SWEEPS = 5;
// descent needs less of a pull than the factorization
const DESCENT_DAMPING = 0.1;

/** GPTQ, then coordinate descent with scale refit: the workhorse (COMQ, A. Zhang et al., 2024; QuantEase, K. Behdin et al., 2023). */
export const coordinateDescentRounding: SecondOrderRounding = {
  name: 'coordinate-descent',
  description: 'GPTQ, then sweeps of coordinate descent with the scales refitted',
  needsStatistics: true,
  round(layer, statistics, spec, { product }) {
    return roundByGroup(
      layer,
      statistics,
      spec,
      { product },
      async (problem, solution, groupSpec, layout, scale) => {
        const codes = await gptqGroup(problem, solution, groupSpec, layout, product);
        const { rows, columns, firstRow, gram } = problem;
        const importance = Float64Array.from({ length: columns }, (_, k) => gram[k * columns + k]!);
        const { weights } = solution;
        holdRows({ rows, columns, firstRow, weights, importance, layout }, groupSpec, codes, scale);
        const damping = solution.damping * DESCENT_DAMPING;
        const options = {
          toWeights: solution.weights,
          damping,
          spec: groupSpec,
          layout,
          sweeps: SWEEPS,
          product,
        };
        await descendGroup(problem, options, codes, scale);
        return codes;
      },
    );
  },
};
