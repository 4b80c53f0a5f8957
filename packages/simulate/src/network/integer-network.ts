import type { Tensor } from '@bitwright/core';
import type { OpNode } from '@bitwright/graph';
import type { AnalogDot } from '../analog/analog-dot.js';
import type { OperatorClass, OperatorHardware } from '../hardware/operator-hardware.js';
import type { Dequantizer, FixedPoint, Requantizer } from '../requantize/requantizer.js';

/** The integer codes of an activation tensor and what they stand for: (code - zeroPoint) * scale. */
export interface Grid {
  readonly bits: number;
  readonly min: number;
  readonly max: number;
  readonly zeroPoint: number;
  readonly scale: number;
}

/** What every step has: a name that a person knows, and the value that it makes. */
interface StepBase {
  readonly name: string;
  readonly output: string;
}

/** Floats to codes, at the network's input or behind a float operator. */
export interface QuantizeStep extends StepBase {
  readonly kind: 'quantize';
  readonly input: string;
  readonly grid: Grid;
}

/** Codes to floats, at the network's output or before a float operator. */
export interface DequantizeStep extends StepBase {
  readonly kind: 'dequantize';
  readonly input: string;
  readonly grid: Grid;
}

/** A window that slides over the spatial dimensions, as the Conv operator defines it. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begins of all dimensions, then ends. */
  readonly pads: readonly number[];
}

/** The bias of a layer: its codes as the device holds them, and what they add to the accumulator. */
export interface IntegerBias {
  readonly bits: number;
  readonly codes: Float64Array;
  /** One for the tensor or one for each channel. */
  readonly scale: Float32Array;
  /** round_half_even(code * scale / fl32(s_x * s_w)): what is added to the accumulator of each channel. */
  readonly aligned: Float64Array;
}

/** A convolution or a product with constant weights: sums of products of codes, a bias, and the way back to codes. */
export interface DotStep extends StepBase {
  readonly kind: 'dot';
  readonly opType: string;
  readonly operatorClass: OperatorClass;
  readonly hardware: OperatorHardware;
  readonly input: string;
  readonly inputGrid: Grid;
  /** Absent for a product of matrices: then the last dimension of the input is summed over. */
  readonly window?: Window;
  readonly groups: number;
  readonly outputs: number;
  /** Products of one output: input channels of a group times the window. */
  readonly depth: number;
  /** Codes, [outputs, depth]; the depth runs over (channel, window) as stored. */
  readonly weights: Int32Array;
  /** One for the tensor or one for each output. */
  readonly weightZeroPoint: Int32Array;
  readonly weightScale: Float32Array;
  readonly weightBits: number;
  readonly weightMin: number;
  readonly weightMax: number;
  readonly bias: IntegerBias | undefined;
  /** fl32(s_x * s_w), one for each output: what one unit of the accumulator stands for. */
  readonly scale: Float32Array;
  readonly result: Result;
  /** What it meets in an analog core; absent for digital sums. One unit of the accumulator is then one code of the ADC. */
  readonly analog?: AnalogDot;
}

/** What becomes of an accumulator: a code on a grid, or a float where the network goes on in floats. */
export type Result =
  | { readonly kind: 'codes'; readonly grid: Grid; readonly requantizer: Requantizer }
  | { readonly kind: 'float'; readonly dequantizer: Dequantizer };

/** A product of two matrices of codes. */
export interface MatMulStep extends StepBase {
  readonly kind: 'matmul';
  readonly hardware: OperatorHardware;
  readonly inputs: readonly [string, string];
  readonly grids: readonly [Grid, Grid];
  readonly result: Result;
}

/** A sum (or difference) of two tensors of codes. */
export interface AddStep extends StepBase {
  readonly kind: 'add';
  readonly hardware: OperatorHardware;
  readonly inputs: readonly [string, string];
  readonly grids: readonly [Grid, Grid];
  readonly subtract: boolean;
  readonly grid: Grid;
  readonly adder: Adder;
  readonly low: number;
  readonly high: number;
}

/** How two operands of different scales are brought together. */
export type Adder =
  /** fl32(fl32(a * first) + fl32(b * second)), rounded half to even. */
  | { readonly kind: 'float'; readonly first: number; readonly second: number }
  /** TFLite's Add: both shifted left by 20 bits, scaled to twice the larger scale, added, scaled to the output. */
  | {
      readonly kind: 'fixed-point';
      readonly leftShift: number;
      readonly first: FixedPoint;
      readonly second: FixedPoint;
      readonly sum: FixedPoint;
    }
  /** a * 2^first + b * 2^second, then a rounding shift. */
  | {
      readonly kind: 'power-of-two';
      readonly first: number;
      readonly second: number;
      readonly sum: Requantizer;
    };

/** A product of two tensors of codes, element by element. */
export interface MultiplyStep extends StepBase {
  readonly kind: 'multiply';
  readonly inputs: readonly [string, string];
  readonly grids: readonly [Grid, Grid];
  readonly grid: Grid;
  readonly requantizer: Requantizer;
}

/** A mean: sums of codes over a window or over whole axes; the division is part of the multiplier. */
export interface AverageStep extends StepBase {
  readonly kind: 'average';
  readonly hardware: OperatorHardware;
  readonly input: string;
  readonly inputGrid: Grid;
  readonly over:
    | { readonly window: Window; readonly channels: number }
    | { readonly axes: readonly number[]; readonly keepDims: boolean };
  readonly count: number;
  readonly result: Result;
}

/** The largest code of each window; padding never wins. */
export interface MaxPoolStep extends StepBase {
  readonly kind: 'max-pool';
  readonly input: string;
  readonly grid: Grid;
  readonly window: Window;
  readonly ceil: boolean;
}

/** The same values on another grid. */
export interface RescaleStep extends StepBase {
  readonly kind: 'rescale';
  readonly input: string;
  readonly inputGrid: Grid;
  readonly grid: Grid;
  readonly requantizer: Requantizer;
}

/** Tensors on one grid, one behind the other. */
export interface ConcatStep extends StepBase {
  readonly kind: 'concat';
  readonly inputs: readonly string[];
  readonly grid: Grid;
  readonly axis: number;
}

/** Codes moved without arithmetic: Reshape, Transpose, Slice, Pad, Resize and the like. */
export interface MoveStep extends StepBase {
  readonly kind: 'move';
  readonly node: OpNode;
  readonly input: string;
  /** Absent where floats are moved. */
  readonly grid: Grid | undefined;
  /** Which of the node's results it is. */
  readonly index: number;
}

/** Codes laid apart along the spatial axes, with the code of zero between them: what a ConvTranspose slides over. */
export interface SpreadStep extends StepBase {
  readonly kind: 'spread';
  readonly input: string;
  readonly grid: Grid;
  /** Distance of neighbours along each spatial axis. */
  readonly strides: readonly number[];
}

/** A function of one code, as a table over the input grid's codes. */
export interface TableStep extends StepBase {
  readonly kind: 'table';
  readonly input: string;
  readonly inputGrid: Grid;
  readonly grid: Grid;
  readonly table: Int32Array;
}

/** Softmax over one axis with a table of exponentials and one division of integers. */
export interface SoftmaxStep extends StepBase {
  readonly kind: 'softmax';
  readonly input: string;
  readonly inputGrid: Grid;
  readonly grid: Grid;
  readonly axis: number;
  /** round(exp(-s_x * d) * 65535) for d = largest code - code. */
  readonly table: Int32Array;
  /** round(2^12 / s_y): y = (e * reciprocal * 2 + sum * 2^12) / (sum * 2^13), a floor. */
  readonly reciprocal: number;
}

/** A constant operand as codes. */
export interface ConstantStep extends StepBase {
  readonly kind: 'constant';
  readonly dims: readonly number[];
  readonly codes: Int32Array;
  readonly grid: Grid;
}

/** An operator that stays float by consent. */
export interface FloatStep extends StepBase {
  readonly kind: 'float';
  readonly node: OpNode;
  /** Names of values, constants, or nothing where an input is left out. */
  readonly inputs: readonly (string | Tensor | undefined)[];
}

/** One step of an integer network. */
export type IntegerStep =
  | QuantizeStep
  | DequantizeStep
  | DotStep
  | MatMulStep
  | AddStep
  | MultiplyStep
  | AverageStep
  | MaxPoolStep
  | RescaleStep
  | ConcatStep
  | MoveStep
  | SpreadStep
  | TableStep
  | SoftmaxStep
  | ConstantStep
  | FloatStep;

/** Why an operator stays float. */
export interface FloatOperator {
  readonly name: string;
  readonly opType: string;
  readonly code: string;
  readonly reason: string;
}

/** A network in which every tensor between quantizers is integer; steps stand in the order in which they run. */
export interface IntegerNetwork {
  readonly inputs: readonly {
    readonly name: string;
    readonly dtype: 'float';
    readonly shape: readonly (number | string | undefined)[] | undefined;
  }[];
  /** The float results by the names that the model gives them, and the values that hold them. */
  readonly outputs: readonly { readonly name: string; readonly value: string }[];
  readonly steps: readonly IntegerStep[];
  /** What could not be lowered; empty unless floats are allowed. */
  readonly float: readonly FloatOperator[];
  /** Of the model that it was lowered from. */
  readonly opset: number;
  readonly irVersion: number;
}
