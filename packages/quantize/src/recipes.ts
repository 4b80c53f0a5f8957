import { biasEmpirical } from './correct/bias-empirical.js';
import type { LayerCorrection } from './correct/correction.js';
import { RECONSTRUCTION, type ReconstructionPlan } from './reconstruct/plan.js';
import { coordinateDescentRounding } from './rounding/coordinate-descent.js';
import type { SecondOrderRounding } from './rounding/rounding-algorithm.js';

/** What a method does besides calibrating scales. */
export interface Recipe {
  readonly name: string;
  readonly description: string;
  /** Layer by layer on the quantized prefix; absent where every layer is rounded by itself. */
  readonly rounding?: SecondOrderRounding;
  /** Made of each layer after its weights are rounded. */
  readonly corrections: readonly LayerCorrection[];
  /** Chooses the grid of class scores by the classes that it tells apart, instead of the scores' error. */
  readonly decisions: boolean;
  /** Learns codes, scales and biases of each block by gradients, after that. */
  readonly reconstruction?: ReconstructionPlan;
}

/** The recipes that exist, cheapest first. */
export const RECIPES: readonly Recipe[] = [
  {
    name: 'fast',
    description: 'calibrated scales only, weights to their nearest codes',
    corrections: [],
    decisions: false,
  },
  {
    name: 'balanced',
    description: 'layer by layer: second-order rounding with refitted scales, bias correction',
    rounding: coordinateDescentRounding,
    corrections: [biasEmpirical],
    decisions: true,
  },
  {
    name: 'best',
    description: 'balanced, then weights, scales and biases learned block by block',
    rounding: coordinateDescentRounding,
    corrections: [biasEmpirical],
    decisions: true,
    reconstruction: RECONSTRUCTION,
  },
];
