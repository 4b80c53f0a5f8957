import type { Tensor } from '@bitwright/core';

/** Something that ONNX Runtime does to a quantized model which its file doesn't say. */
export type TrapName =
  | 'native-relu-dropped'
  | 'native-activation-load-fails'
  | 'narrow-output-aborts'
  | 'u8s8-pair-saturation'
  | 'float-weights-quantized'
  | 'float-bias-quantized'
  | 'matmul-add-bias-quantized'
  | 'average-pool-rounds'
  | 'matmul-integer-u8s8-saturation'
  | 'conv-integer-s8u8-saturation'
  | 'matmulnbits-quantizes-input'
  | 'int2-weights-load-fails'
  | 'redundant-clip-load-fails'
  | 'vector-scale-load-fails';

/** What was found out about a trap in one runtime on one machine. */
export interface TrapReport {
  readonly trap: TrapName;
  /** `skipped`: it can't be tried without harm, or this runtime doesn't run the model at all. */
  readonly present: boolean | 'skipped';
  /** What goes wrong. */
  readonly meaning: string;
  /** How Bitwright's files avoid it. */
  readonly guard: string;
}

/** A small model with one input and one output, and what to hold its result against. */
export interface TrapModel {
  readonly bytes: Uint8Array;
  /** What it is fed. */
  readonly input: Tensor;
  /** Results that are this close are equal: half a step of the output's grid, or a part of the values' size. */
  readonly tolerance: number;
  /** The right result, where faithful mode doesn't give it. */
  readonly expected?: Float32Array;
}

/** A trap with the models that show it. */
export interface Trap {
  readonly name: TrapName;
  readonly meaning: string;
  readonly guard: string;
  /** A model that falls into it; absent where running one could end the process. */
  readonly model?: () => TrapModel;
  /** The same computation in the layout that Bitwright writes; absent where no layout avoids it. */
  readonly guarded?: () => TrapModel;
}
