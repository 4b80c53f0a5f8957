import type { ParameterKind } from './training-graph.js';

/** How the parameters of one block, or of the whole network at the end, are learned. */
export interface TrainingPlan {
  readonly steps: number;
  readonly batch: number;
  readonly seed: number;
  /** The share of input elements that are taken from the quantized prefix, the rest from the float network (QDrop, Wei et al., ICLR 2022). */
  readonly quantizedShare: number;
  /** The size of the first steps, by kind: of a code for weights, of the value for biases, of the logarithm for scales. */
  readonly rates: Readonly<Record<ParameterKind, number>>;
}

/** What a recipe reconstructs: block by block, then the whole network. */
export interface ReconstructionPlan {
  readonly blocks: Omit<TrainingPlan, 'batch' | 'seed'>;
  readonly whole: Omit<TrainingPlan, 'batch' | 'seed'>;
}

/** The plan of the method `best`; every number was chosen on calibration images that the network was not trained on. */
export const RECONSTRUCTION: ReconstructionPlan = {
  blocks: {
    steps: 500,
    quantizedShare: 0.5,
    rates: { weight: 3e-3, 'weight-scale': 3e-3, bias: 3e-3, step: 3e-3 },
  },
  whole: {
    steps: 300,
    quantizedShare: 1,
    rates: { weight: 1e-3, 'weight-scale': 1e-3, bias: 1e-3, step: 1e-3 },
  },
};

const LARGEST_BATCH = 32;
const ELEMENTS_OF_A_BATCH = 2 ** 22;

/** Samples in a batch: fewer where activations are large. It depends on the model alone, so that results do not depend on the machine. */
export function trainingBatch(elementsPerSample: number): number {
  return Math.min(LARGEST_BATCH, Math.max(4, Math.floor(ELEMENTS_OF_A_BATCH / elementsPerSample)));
}
