import type { DotStep, Window } from '../network/integer-network.js';
import { slide } from '../network/window.js';
import { sizeOf } from './tensor.js';

/** The operands of one group of one sample, product by product: row k holds operand k of every output position. */
export interface Patches {
  readonly positions: number;
  /** [depth, positions], centred or raw codes. */
  readonly values: Float64Array;
}

/** How the operands of a dot product are laid out: rows to read, and the shape of the result. */
export interface PatchPlan {
  readonly samples: number;
  readonly groups: number;
  readonly positions: number;
  readonly outputDims: readonly number[];
  /** The channel axis comes first after the sample for convolutions and last for matrices. */
  readonly channelsLast: boolean;
  /** Where each operand is read within a sample's group, [depth * positions]; -1 in the padding. */
  readonly index: Int32Array;
  readonly groupStride: number;
  readonly sampleStride: number;
}

/** Plans the operands of a step for an input shape. */
export function planPatches(step: DotStep, dims: readonly number[]): PatchPlan {
  if (step.window === undefined) return planRows(step, dims);
  const channels = dims[1]! / step.groups;
  const spatial = dims.slice(2);
  const out = slide(spatial, step.window);
  const positions = sizeOf(out);
  const plane = sizeOf(spatial);
  const taps = tapIndex(step.window, spatial, out);
  const kernel = sizeOf(step.window.kernel);
  const index = new Int32Array(step.depth * positions);
  for (let c = 0; c < channels; c++) {
    for (let t = 0; t < kernel * positions; t++) {
      const at = taps[t]!;
      index[c * kernel * positions + t] = at < 0 ? -1 : at + c * plane;
    }
  }
  return {
    samples: dims[0]!,
    groups: step.groups,
    positions,
    outputDims: [dims[0]!, step.outputs, ...out],
    channelsLast: false,
    index,
    groupStride: channels * plane,
    sampleStride: dims[1]! * plane,
  };
}

function planRows(step: DotStep, dims: readonly number[]): PatchPlan {
  const rows = sizeOf(dims, 0, dims.length - 1);
  const index = new Int32Array(step.depth * rows);
  for (let k = 0; k < step.depth; k++)
    for (let r = 0; r < rows; r++) index[k * rows + r] = r * step.depth + k;
  return {
    samples: 1,
    groups: 1,
    positions: rows,
    outputDims: [...dims.slice(0, -1), step.outputs],
    channelsLast: true,
    index,
    groupStride: 0,
    sampleStride: 0,
  };
}

/** Where each tap of a window is read in a plane, [taps, positions]; -1 in the padding. */
export function tapIndex(window: Window, spatial: readonly number[], out: readonly number[]): Int32Array {
  const kernel = sizeOf(window.kernel);
  const positions = sizeOf(out);
  const index = new Int32Array(kernel * positions);
  for (let tap = 0; tap < kernel; tap++) {
    for (let position = 0; position < positions; position++) {
      let at = 0;
      let stride = 1;
      let restTap = tap;
      let restPosition = position;
      for (let d = spatial.length - 1; d >= 0; d--) {
        const k = restTap % window.kernel[d]!;
        const p = restPosition % out[d]!;
        restTap = Math.floor(restTap / window.kernel[d]!);
        restPosition = Math.floor(restPosition / out[d]!);
        const place = p * window.strides[d]! - window.pads[d]! + k * window.dilations[d]!;
        if (place < 0 || place >= spatial[d]!) at = Number.NEGATIVE_INFINITY;
        at += place * stride;
        stride *= spatial[d]!;
      }
      index[tap * positions + position] = at < 0 ? -1 : at;
    }
  }
  return index;
}

/** Reads the operands of one sample's group. @param zero what is subtracted; @param padding the operand in the padding. */
export function readPatches(
  plan: PatchPlan,
  data: ArrayLike<number>,
  sample: number,
  group: number,
  zero: number,
  padding: number,
): Float64Array {
  const base = sample * plan.sampleStride + group * plan.groupStride;
  const { index } = plan;
  const values = new Float64Array(index.length);
  for (let i = 0; i < values.length; i++) {
    const at = index[i]!;
    values[i] = at < 0 ? padding : data[base + at]! - zero;
  }
  return values;
}

/** Where the result of one output stands: base and distance between positions. */
export function resultPlace(
  plan: PatchPlan,
  outputs: number,
  sample: number,
  output: number,
): { base: number; stride: number } {
  return plan.channelsLast
    ? { base: output, stride: outputs }
    : { base: (sample * outputs + output) * plan.positions, stride: 1 };
}
