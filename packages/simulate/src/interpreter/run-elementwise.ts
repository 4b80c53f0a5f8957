import { clamp, roundHalfEven } from '@bitwright/core';
import { powerOfTwo } from '../arithmetic/power-of-two.js';
import type {
  AddStep,
  ConcatStep,
  MultiplyStep,
  RescaleStep,
  SoftmaxStep,
  TableStep,
} from '../network/integer-network.js';
import { requantize } from '../requantize/requantizer.js';
import { broadcastDims, broadcastIndex, type CodeTensor, sizeOf } from './tensor.js';

/** Adds two tensors of codes as the step's adder says. */
export function runAdd(step: AddStep, a: CodeTensor, b: CodeTensor): CodeTensor {
  const dims = broadcastDims(a.dims, b.dims);
  const first = broadcastIndex(a.dims, dims);
  const second = broadcastIndex(b.dims, dims);
  const [gridA, gridB] = step.grids;
  const data = new Int32Array(first.length);
  const sign = step.subtract ? -1 : 1;
  for (let i = 0; i < data.length; i++) {
    const x = a.data[first[i]!]! - gridA.zeroPoint;
    const y = sign * (b.data[second[i]!]! - gridB.zeroPoint);
    data[i] = clamp(addOne(step, x, y), step.low, step.high);
  }
  return { dims, data };
}

function addOne(step: AddStep, x: number, y: number): number {
  const { adder } = step;
  const { zeroPoint } = step.grid;
  switch (adder.kind) {
    case 'float': {
      const sum = Math.fround(Math.fround(x * adder.first) + Math.fround(y * adder.second));
      return roundHalfEven(sum) + zeroPoint;
    }
    case 'power-of-two':
      return requantize(x * powerOfTwo(adder.first) + y * powerOfTwo(adder.second), 0, adder.sum) + zeroPoint;
    case 'fixed-point': {
      const shift = powerOfTwo(adder.leftShift);
      const sum = requantize(x * shift, 0, adder.first) + requantize(y * shift, 0, adder.second);
      return requantize(sum, 0, adder.sum) + zeroPoint;
    }
  }
}

/** Multiplies two tensors of codes. */
export function runMultiply(step: MultiplyStep, a: CodeTensor, b: CodeTensor): CodeTensor {
  const dims = broadcastDims(a.dims, b.dims);
  const first = broadcastIndex(a.dims, dims);
  const second = broadcastIndex(b.dims, dims);
  const [gridA, gridB] = step.grids;
  const data = new Int32Array(first.length);
  for (let i = 0; i < data.length; i++) {
    const product = (a.data[first[i]!]! - gridA.zeroPoint) * (b.data[second[i]!]! - gridB.zeroPoint);
    data[i] = requantize(product, 0, step.requantizer);
  }
  return { dims, data };
}

/** Brings codes to another grid. */
export function runRescale(step: RescaleStep, input: CodeTensor): CodeTensor {
  const { zeroPoint } = step.inputGrid;
  const data = Int32Array.from(input.data, (code) => requantize(code - zeroPoint, 0, step.requantizer));
  return { dims: input.dims, data };
}

/** Looks codes up. */
export function runTable(step: TableStep, input: CodeTensor): CodeTensor {
  const { min } = step.inputGrid;
  return { dims: input.dims, data: Int32Array.from(input.data, (code) => step.table[code - min]!) };
}

/** Puts tensors behind each other along an axis. */
export function runConcat(step: ConcatStep, inputs: readonly CodeTensor[]): CodeTensor {
  const rank = inputs[0]!.dims.length;
  const axis = step.axis < 0 ? step.axis + rank : step.axis;
  const outer = sizeOf(inputs[0]!.dims, 0, axis);
  const dims = [...inputs[0]!.dims];
  dims[axis] = inputs.reduce((sum, { dims: own }) => sum + own[axis]!, 0);
  const data = new Int32Array(sizeOf(dims));
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const input of inputs) {
      const run = sizeOf(input.dims, axis);
      data.set((input.data as Int32Array).subarray(o * run, (o + 1) * run), at);
      at += run;
    }
  }
  return { dims, data };
}

/**
 * Softmax over the last axis: e = table[largest - code], y = floor((2 e R + 2^12 * sum) / (2^13 * sum)) with R = 2^12 / s_y in
 * whole numbers, so that y is the nearest code, ties up.
 */
export function runSoftmax(step: SoftmaxStep, input: CodeTensor): CodeTensor {
  const width = input.dims.at(-1)!;
  const data = new Int32Array(input.data.length);
  for (let row = 0; row < data.length; row += width) {
    let largest = step.inputGrid.min;
    for (let i = 0; i < width; i++) largest = Math.max(largest, input.data[row + i]!);
    let sum = 0;
    for (let i = 0; i < width; i++) sum += step.table[largest - input.data[row + i]!]!;
    for (let i = 0; i < width; i++) {
      const e = step.table[largest - input.data[row + i]!]!;
      const code = Math.floor((2 * e * step.reciprocal + 4096 * sum) / (8192 * sum));
      data[row + i] = clamp(code + step.grid.zeroPoint, step.grid.min, step.grid.max);
    }
  }
  return { dims: input.dims, data };
}
