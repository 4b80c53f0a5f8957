import { type DType, integerData } from '@bitwright/core';
import { ModelSketch, randomCodes, randomFloats, type SketchGrid } from './model-sketch.js';
import type { Trap, TrapModel } from './trap.js';

const IMAGE = [1, 4, 8, 8];
const RANGE = [-1, 3] as const;
const INPUT: SketchGrid = { dtype: 'uint8', scale: 0.0157, zeroPoint: 64 };
/** 4 bits with zero point 0, as ONNX's own type and in uint8. */
const NARROW: SketchGrid = { dtype: 'int4', scale: 0.43, zeroPoint: 0 };
const CARRIED: SketchGrid = { dtype: 'uint8', scale: 0.43, zeroPoint: 0, top: 7 };

/** What ONNX Runtime does to operators without weights, and to its integer operators. */
export const OPERATOR_TRAPS: readonly Trap[] = [
  {
    name: 'native-relu-dropped',
    meaning: 'A Relu before a QuantizeLinear to 4 or 2 bits is dropped though the grid reaches below zero.',
    guard: 'Activations of every width are carried in uint8, with a Clip below 8 bits.',
    model: () => reluBefore(NARROW),
    guarded: () => reluBefore(CARRIED),
  },
  {
    name: 'native-activation-load-fails',
    meaning: 'A MaxPool or Conv of 4- or 2-bit activations does not load.',
    guard: 'Activations of every width are carried in uint8, with a Clip below 8 bits.',
    model: () => poolOf({ ...NARROW, dtype: 'uint4' }),
    guarded: () => poolOf({ ...CARRIED, top: 15 }),
  },
  {
    name: 'narrow-output-aborts',
    meaning: 'Fetching an output of 4-bit integers ends the whole process; 2-bit ones are an error.',
    guard: 'Every model ends with float outputs; a given model with such an output is refused.',
  },
  {
    name: 'average-pool-rounds',
    meaning:
      'The integer AveragePool is off by one step for some of its outputs; the integer Add is on exact ties.',
    guard: 'None in the file: comparisons count steps instead of asking for equality.',
    model: averagePool,
  },
  {
    name: 'matmul-integer-u8s8-saturation',
    meaning: 'MatMulInteger of u8 x s8 saturates in 16 bits on CPUs without VNNI.',
    guard: 'Exact integer models use u8 x u8, s8 x s8 or s8 x u8.',
    model: () => matMulInteger('uint8', 'int8'),
    guarded: () => matMulInteger('uint8', 'uint8'),
  },
  {
    name: 'conv-integer-s8u8-saturation',
    meaning: 'ConvInteger of s8 x u8 saturates in 16 bits on CPUs without VNNI.',
    guard: 'Exact integer models use u8 x u8, u8 x s8 or s8 x s8.',
    model: () => convInteger('int8', 'uint8'),
    guarded: () => convInteger('uint8', 'int8'),
  },
  {
    name: 'redundant-clip-load-fails',
    meaning:
      "A Clip before an 8-bit QuantizeLinear whose grid ends less than half a step beyond the Clip's bounds makes loading fail.",
    guard: 'A Clip that the saturation of the grid already does is not written.',
    model: () => clipBefore(true),
    guarded: () => clipBefore(false),
  },
  {
    name: 'vector-scale-load-fails',
    meaning: 'An Add or Mul does not load when a scale has the shape [1] and not [].',
    guard: 'Scales and zero points of whole tensors are written as scalars.',
    model: () => addOf([0.0157], [64]),
    guarded: () => addOf(0.0157, 64),
  },
];

function reluBefore(grid: SketchGrid): TrapModel {
  const sketch = new ModelSketch();
  const y = sketch.fakeQuantize(sketch.op('Relu', [sketch.input(IMAGE)]), grid);
  return finish(sketch.finish(y), grid);
}

function poolOf(grid: SketchGrid): TrapModel {
  const sketch = new ModelSketch();
  const pooled = sketch.op('MaxPool', [sketch.fakeQuantize(sketch.input(IMAGE), grid)], {
    kernel_shape: [2, 2],
  });
  return finish(sketch.finish(sketch.fakeQuantize(pooled, grid)), grid);
}

function averagePool(): TrapModel {
  const sketch = new ModelSketch();
  const pooled = sketch.op('AveragePool', [sketch.fakeQuantize(sketch.input(IMAGE), INPUT)], {
    kernel_shape: [2, 2],
  });
  return finish(sketch.finish(sketch.fakeQuantize(pooled, INPUT)), INPUT);
}

/** 255 * 0.02355 is 6.005, less than half a step above 6. */
function clipBefore(written: boolean): TrapModel {
  const grid: SketchGrid = { dtype: 'uint8', scale: 0.02355, zeroPoint: 0 };
  const sketch = new ModelSketch();
  const x = sketch.fakeQuantize(sketch.input(IMAGE), INPUT);
  const sum = sketch.op('Add', [x, x]);
  const bounds = [0, 6].map((bound) => sketch.constant(randomFloats([], [bound, bound], 1)));
  const y = sketch.fakeQuantize(written ? sketch.op('Clip', [sum, ...bounds]) : sum, grid);
  return finish(sketch.finish(y), grid);
}

function addOf(scale: SketchGrid['scale'], zeroPoint: number | readonly number[]): TrapModel {
  const grid: SketchGrid = { dtype: 'uint8', scale, zeroPoint };
  const sketch = new ModelSketch();
  const x = sketch.fakeQuantize(sketch.input(IMAGE), grid);
  return finish(sketch.finish(sketch.fakeQuantize(sketch.op('Add', [x, x]), grid)), INPUT);
}

function matMulInteger(left: DType, right: DType): TrapModel {
  const [rows, inner, columns] = [8, 64, 8];
  const a = randomCodes(left, [rows, inner], rangeOf(left), 1);
  const b = randomCodes(right, [inner, columns], rangeOf(right), 2);
  const sketch = new ModelSketch();
  const y = sketch.op('MatMulInteger', [sketch.input(a.dims, left), sketch.constant(b)]);
  const expected = product(integerData(a), integerData(b), rows, inner, columns);
  return { bytes: sketch.finish(y, 'int32'), input: a, tolerance: 0.5, expected };
}

/** A 1x1 convolution, which is the product of the kernel and the pixels. */
function convInteger(image: DType, kernel: DType): TrapModel {
  const [outputs, inner, pixels] = [8, 64, 16];
  const x = randomCodes(image, [1, inner, 4, 4], rangeOf(image), 1);
  const w = randomCodes(kernel, [outputs, inner, 1, 1], rangeOf(kernel), 2);
  const sketch = new ModelSketch();
  const y = sketch.op('ConvInteger', [sketch.input(x.dims, image), sketch.constant(w)]);
  const expected = product(integerData(w), integerData(x), outputs, inner, pixels);
  return { bytes: sketch.finish(y, 'int32'), input: x, tolerance: 0.5, expected };
}

function product(
  a: readonly number[],
  b: readonly number[],
  rows: number,
  inner: number,
  columns: number,
): Float32Array {
  const result = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += a[row * inner + k]! * b[k * columns + column]!;
      result[row * columns + column] = sum;
    }
  }
  return result;
}

function rangeOf(dtype: DType): readonly [number, number] {
  return dtype === 'uint8' ? [0, 255] : [-128, 127];
}

function finish(bytes: Uint8Array, grid: SketchGrid): TrapModel {
  return { bytes, input: randomFloats(IMAGE, RANGE, 1), tolerance: (grid.scale as number) / 2 };
}
