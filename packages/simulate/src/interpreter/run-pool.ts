import type { AverageStep, MatMulStep, MaxPoolStep } from '../network/integer-network.js';
import { slide } from '../network/window.js';
import type { AccumulatorRecord } from './accumulator-record.js';
import { enforceWidth } from './enforce-width.js';
import { tapIndex } from './patches.js';
import type { Accumulators } from './run-dot.js';
import { broadcastDims, type CodeTensor, sizeOf, stridesOf } from './tensor.js';

/** The sums of centred codes over each window or over whole axes. */
export function averageAccumulators(
  step: AverageStep,
  input: CodeTensor,
  record: AccumulatorRecord,
): Accumulators {
  const sums = 'window' in step.over ? windowSums(step, input) : axisSums(step, input);
  enforceWidth(sums.data, step.hardware, record, step.name);
  return sums;
}

function windowSums(step: AverageStep, input: CodeTensor): Accumulators {
  const { window } = step.over as { window: MaxPoolStep['window'] };
  const spatial = input.dims.slice(2);
  const out = slide(spatial, window);
  const taps = tapIndex(window, spatial, out);
  const positions = sizeOf(out);
  const kernel = sizeOf(window.kernel);
  const plane = sizeOf(spatial);
  const planes = sizeOf(input.dims, 0, 2);
  const data = new Float64Array(planes * positions);
  for (let i = 0; i < planes; i++) {
    for (let t = 0; t < kernel; t++) {
      for (let p = 0; p < positions; p++) {
        const at = taps[t * positions + p]!;
        if (at >= 0) data[i * positions + p]! += input.data[i * plane + at]! - step.inputGrid.zeroPoint;
      }
    }
  }
  return { dims: [input.dims[0]!, input.dims[1]!, ...out], data };
}

function axisSums(step: AverageStep, input: CodeTensor): Accumulators {
  const { axes, keepDims } = step.over as { axes: readonly number[]; keepDims: boolean };
  const kept = input.dims.map((dim, i) => (axes.includes(i) ? 1 : dim));
  const strides = stridesOf(kept);
  const data = new Float64Array(sizeOf(kept));
  const counters = new Array<number>(kept.length).fill(0);
  for (let i = 0; i < input.data.length; i++) {
    let at = 0;
    for (let d = 0; d < kept.length; d++) if (kept[d] !== 1) at += counters[d]! * strides[d]!;
    data[at]! += input.data[i]! - step.inputGrid.zeroPoint;
    for (let d = kept.length - 1; d >= 0; d--) {
      if (++counters[d]! < input.dims[d]!) break;
      counters[d] = 0;
    }
  }
  return { dims: keepDims ? kept : kept.filter((_, i) => !axes.includes(i)), data };
}

/** The largest code of each window; positions in the padding are passed over. */
export function runMaxPool(step: MaxPoolStep, input: CodeTensor): CodeTensor {
  const spatial = input.dims.slice(2);
  const out = slide(spatial, step.window, step.ceil);
  const taps = tapIndex(step.window, spatial, out);
  const positions = sizeOf(out);
  const kernel = sizeOf(step.window.kernel);
  const plane = sizeOf(spatial);
  const planes = sizeOf(input.dims, 0, 2);
  const data = new Int32Array(planes * positions).fill(step.grid.min);
  for (let i = 0; i < planes; i++) {
    for (let t = 0; t < kernel; t++) {
      for (let p = 0; p < positions; p++) {
        const at = taps[t * positions + p]!;
        if (at >= 0)
          data[i * positions + p] = Math.max(data[i * positions + p]!, input.data[i * plane + at]!);
      }
    }
  }
  return { dims: [input.dims[0]!, input.dims[1]!, ...out], data };
}

/** The sums of a product of two matrices of codes; leading dimensions are broadcast. */
export function matMulAccumulators(
  step: MatMulStep,
  a: CodeTensor,
  b: CodeTensor,
  record: AccumulatorRecord,
): Accumulators {
  const [rows, depth] = a.dims.slice(-2) as [number, number];
  const columns = b.dims.at(-1)!;
  const outer = broadcastDims(a.dims.slice(0, -2), b.dims.slice(0, -2));
  const data = new Float64Array(sizeOf(outer) * rows * columns);
  const [gridA, gridB] = step.grids;
  for (let m = 0; m < sizeOf(outer); m++) {
    const first = matrixAt(a.dims.slice(0, -2), outer, m) * rows * depth;
    const second = matrixAt(b.dims.slice(0, -2), outer, m) * depth * columns;
    for (let r = 0; r < rows; r++) {
      for (let k = 0; k < depth; k++) {
        const x = a.data[first + r * depth + k]! - gridA.zeroPoint;
        const target = (m * rows + r) * columns;
        for (let c = 0; c < columns; c++)
          data[target + c]! += x * (b.data[second + k * columns + c]! - gridB.zeroPoint);
      }
    }
  }
  enforceWidth(data, step.hardware, record, step.name);
  return { dims: [...outer, rows, columns], data };
}

function matrixAt(dims: readonly number[], outer: readonly number[], index: number): number {
  const strides = stridesOf(dims);
  let rest = index;
  let at = 0;
  for (let d = outer.length - 1; d >= 0; d--) {
    const counter = rest % outer[d]!;
    rest = Math.floor(rest / outer[d]!);
    const own = d - (outer.length - dims.length);
    if (own >= 0 && dims[own] !== 1) at += counter * strides[own]!;
  }
  return at;
}
