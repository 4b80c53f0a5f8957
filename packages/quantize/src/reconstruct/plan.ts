import type { ParameterKind } from './training-graph.js';

/** How the parameters of a block are learned. */
export interface TrainingPlan {
  readonly steps: number;
  readonly batch: number;
  readonly seed: number;
  /** The share of input elements that are taken from the quantized prefix, the rest from the float network (QDrop, Wei et al., ICLR 2022). */
  readonly quantizedShare: number;
  /** Above this error of the block's input (by its power) all elements are taken from the quantized prefix. */
  readonly mixedUpTo: number;
  /** The size of the first steps, by kind: of a code for weights, of the value for biases, of the logarithm for scales. */
  readonly rates: Readonly<Record<ParameterKind, number>>;
}

/** What a recipe says of the training; the batch follows from the model. */
export type ReconstructionPlan = Omit<TrainingPlan, 'batch' | 'seed'>;

/** The plan of the method `best`; the numbers were chosen on training images of CIFAR-10 outside of the calibration set. */
export const RECONSTRUCTION: ReconstructionPlan = {
  steps: 500,
  quantizedShare: 0.5,
  mixedUpTo: 0.15,
  rates: { weight: 3e-3, 'weight-scale': 3e-3, bias: 3e-3, step: 3e-3 },
};

const LARGEST_BATCH = 32;
const ELEMENTS_OF_A_BATCH = 2 ** 22;

/** Samples in a batch: fewer where activations are large. It depends on the model alone, so that results do not depend on the machine. */
export function trainingBatch(elementsPerSample: number): number {
  return Math.min(LARGEST_BATCH, Math.max(4, Math.floor(ELEMENTS_OF_A_BATCH / elementsPerSample)));
}
