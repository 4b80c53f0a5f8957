import { codeOfDtype, type DType, floatTensor, type Tensor } from '@bitwright/core';
import type { Value } from '@bitwright/graph';
import { ModelSketch, randomCodes, randomFloats, type SketchGrid } from './model-sketch.js';
import type { Trap, TrapModel } from './trap.js';

const IMAGE = [1, 4, 8, 8];
const KERNEL = [8, 4, 3, 3];
const ROWS = [16, 32];
const MATRIX = [32, 8];
const CHANNELS = 8;

const INPUT_8: SketchGrid = { dtype: 'uint8', scale: 0.0157, zeroPoint: 64 };
const INPUT_4: SketchGrid = { dtype: 'uint8', scale: 0.267, zeroPoint: 4, top: 15 };
const OUTPUT: SketchGrid = { dtype: 'uint8', scale: 0.0413, zeroPoint: 120 };

const RANGE = [-1, 3] as const;

/** What ONNX Runtime does to layers with weights: Conv, Gemm and MatMul. */
export const LAYER_TRAPS: readonly Trap[] = [
  {
    name: 'u8s8-pair-saturation',
    meaning:
      'CPUs without VNNI add pairs of u8 x s8 products in 16 bits that saturate, so that layers with full-range signed 8-bit weights give wrong results.',
    guard: 'Weights that could saturate are written as uint8 with zero point 128.',
    model: () => saturating('int8'),
    guarded: () => saturating('uint8'),
  },
  {
    name: 'float-weights-quantized',
    meaning:
      'Float weights between a DequantizeLinear and a QuantizeLinear are quantized to int8 when the model is loaded.',
    guard:
      'A Sum of one input, which no optimizer removes, stands between the DequantizeLinear and the layer.',
    model: () => floatWeights(false),
    guarded: () => floatWeights(true),
  },
  {
    name: 'float-bias-quantized',
    meaning:
      'The float bias of a quantized layer is rounded to int32 at the scale of the products, which is coarse at few bits.',
    guard: 'The bias is written as int32, or as an Add behind a layer without bias.',
    model: () => floatBias(false),
    guarded: () => floatBias(true),
  },
  {
    name: 'matmul-add-bias-quantized',
    meaning: 'A MatMul and the Add of a vector become a Gemm, and the vector is rounded as its bias.',
    guard: 'The added constant has a leading dimension of 1, so that the two are not merged.',
    model: () => matMulAdd([CHANNELS]),
    guarded: () => matMulAdd([1, CHANNELS]),
  },
  {
    name: 'matmulnbits-quantizes-input',
    meaning:
      'A MatMul of a float input with quantized weights becomes a MatMulNBits, which quantizes its input too (and gives noise for 2-bit weights).',
    guard: "A Sum of one input stands between the weights' DequantizeLinear and the layer.",
    model: () => floatInput(false),
    guarded: () => floatInput(true),
  },
  {
    name: 'int2-weights-load-fails',
    meaning: 'A layer with 2-bit weights and 8-bit inputs does not load.',
    guard: 'The 2-bit codes go through a Cast to int8, which is folded when the model is loaded.',
    model: () => narrowWeights(false),
    guarded: () => narrowWeights(true),
  },
];

function saturating(dtype: 'int8' | 'uint8'): TrapModel {
  const shift = dtype === 'uint8' ? 128 : 0;
  const sketch = new ModelSketch();
  const x = sketch.fakeQuantize(sketch.input(ROWS), INPUT_8);
  const w = weights(sketch, dtype, MATRIX, [shift - 127, shift + 127], { scale: 0.004, zeroPoint: shift });
  return toOutput(sketch, sketch.op('MatMul', [x, w]), randomFloats(ROWS, RANGE, 1));
}

function floatWeights(guarded: boolean): TrapModel {
  const sketch = new ModelSketch();
  const x = sketch.fakeQuantize(sketch.input(IMAGE), INPUT_8);
  const w = sketch.constant(randomFloats(KERNEL, [-0.3, 0.3], 2));
  return toOutput(
    sketch,
    sketch.op('Conv', [guarded ? sketch.op('Sum', [x]) : x, w]),
    randomFloats(IMAGE, RANGE, 1),
  );
}

/** The scales make the int32 bias step about two output steps wide. */
function floatBias(guarded: boolean): TrapModel {
  const sketch = new ModelSketch();
  const x = sketch.fakeQuantize(sketch.input(IMAGE), INPUT_4);
  const w = weights(sketch, 'int8', KERNEL, [-1, 1], { scale: 0.31, zeroPoint: 0 });
  const bias = randomFloats([CHANNELS], [-1, 1], 3);
  const layer = guarded
    ? sketch.op('Add', [
        sketch.op('Conv', [x, w]),
        sketch.constant(floatTensor(bias.data() as Float32Array, [1, CHANNELS, 1, 1])),
      ])
    : sketch.op('Conv', [x, w, sketch.constant(bias)]);
  return toOutput(sketch, layer, randomFloats(IMAGE, RANGE, 1));
}

function matMulAdd(dims: readonly number[]): TrapModel {
  const sketch = new ModelSketch();
  const x = sketch.fakeQuantize(sketch.input(ROWS), INPUT_4);
  const w = weights(sketch, 'int8', MATRIX, [-1, 1], { scale: 0.31, zeroPoint: 0 });
  const bias = sketch.constant(randomFloats(dims, [-1, 1], 3));
  return toOutput(
    sketch,
    sketch.op('Add', [sketch.op('MatMul', [x, w]), bias]),
    randomFloats(ROWS, RANGE, 1),
  );
}

function floatInput(guarded: boolean): TrapModel {
  const sketch = new ModelSketch();
  const x = sketch.input(ROWS);
  const scale = Array.from({ length: CHANNELS }, (_, i) => 0.01 + 0.001 * i);
  const zeroPoint = scale.map(() => 0);
  const w = weights(sketch, 'int8', MATRIX, [-127, 127], { scale, zeroPoint, axis: 1 });
  const y = sketch.op('MatMul', [x, guarded ? sketch.op('Sum', [w]) : w]);
  return { bytes: sketch.finish(y), input: randomFloats(ROWS, RANGE, 1), tolerance: 1e-3 };
}

function narrowWeights(guarded: boolean): TrapModel {
  const sketch = new ModelSketch(25);
  const x = sketch.fakeQuantize(sketch.input(IMAGE), INPUT_8);
  const codes = sketch.constant(randomCodes('int2', KERNEL, [-2, 1], 2));
  const dtype: DType = guarded ? 'int8' : 'int2';
  const stored = guarded ? sketch.op('Cast', [codes], { to: codeOfDtype('int8') }) : codes;
  const w = sketch.dequantize(stored, { dtype, scale: 0.2, zeroPoint: 0 });
  return toOutput(sketch, sketch.op('Conv', [x, w]), randomFloats(IMAGE, RANGE, 1));
}

function weights(
  sketch: ModelSketch,
  dtype: DType,
  dims: readonly number[],
  range: readonly [number, number],
  grid: Omit<SketchGrid, 'dtype'>,
): Value {
  return sketch.dequantize(sketch.constant(randomCodes(dtype, dims, range, 2)), { ...grid, dtype });
}

function toOutput(sketch: ModelSketch, value: Value, input: Tensor): TrapModel {
  const bytes = sketch.finish(sketch.fakeQuantize(value, OUTPUT));
  return { bytes, input, tolerance: (OUTPUT.scale as number) / 2 };
}
