import { codeOfDtype, type DType, floatTensor, int64Tensor } from '@bitwright/core';
import type { Value } from '@bitwright/graph';
import {
  type codeTensor,
  ModelSketch,
  openOrtNode,
  probeTrapModel,
  randomCodes,
  randomFloats,
  type SketchGrid,
} from '@bitwright/runtime';
import { describe, expect, it } from 'vitest';
import { openOrtWeb } from '../support/ort-web.js';
import { operatorsRun } from './operators-run.js';

const IMAGE = [1, 4, 8, 8];
const ROWS = [16, 32];
const C = 8;
const U8: SketchGrid = { dtype: 'uint8', scale: 0.0157, zeroPoint: 64 };
const U4: SketchGrid = { dtype: 'uint8', scale: 0.267, zeroPoint: 4, top: 15 };
const U16: SketchGrid = { dtype: 'uint16', scale: 0.0000613, zeroPoint: 16384 };
const OUT: SketchGrid = { dtype: 'uint8', scale: 0.0413, zeroPoint: 120 };
const OUT_4: SketchGrid = { dtype: 'uint8', scale: 0.413, zeroPoint: 0, top: 15 };

type Build = (m: ModelSketch, x: Value) => Value;

interface Layout {
  readonly name: string;
  readonly dims?: readonly number[];
  readonly input?: SketchGrid;
  readonly output?: SketchGrid;
  readonly build: Build;
  /** What stands between the first and the last quantizer in a stock session. */
  readonly runs: readonly string[];
}

/** A layer with per-channel weights of any type; `zero` says where their zero points lie. */
function layer(
  opType: 'Conv' | 'Gemm' | 'MatMul',
  w: DType,
  range: [number, number],
  zero: 'same' | 'apart',
  more: LayerOptions = {},
): Build {
  return (m, x) => {
    const axis = opType === 'Conv' || more.transB ? 0 : 1;
    const dims = opType === 'Conv' ? [C, more.group ? 1 : 4, 3, 3] : more.transB ? [C, 32] : [32, C];
    const channels = dims[axis]!;
    const scale = Array.from({ length: channels }, (_, i) => (1 + i / 16) / (range[1] - range[0]) / 2);
    const middle = Math.ceil((range[0] + range[1]) / 2);
    const zeroPoint = scale.map((_, i) => (zero === 'same' ? middle : Math.min(range[1], range[0] + i)));
    const codes = m.constant(randomCodes(more.stored ?? w, dims, range, 2));
    const stored = more.stored === undefined ? codes : m.op('Cast', [codes], { to: codeOfDtype(w) });
    const inputs = [x, m.dequantize(stored, { dtype: w, scale, zeroPoint, axis })];
    const biasScale = scale.map((s) => s * ((more.input ?? U8).scale as number));
    const bias = more.bias?.(m, biasScale);
    if (opType !== 'MatMul' && bias !== undefined) inputs.push(bias);
    const attributes = { ...(more.group && { group: 4 }), ...(more.transB && { transB: 1 }) };
    const y = m.op(opType, inputs, attributes);
    const sum = opType === 'MatMul' && bias !== undefined ? m.op('Add', [y, bias]) : y;
    return more.followedBy === undefined ? sum : m.op(more.followedBy, [sum]);
  };
}

interface LayerOptions {
  readonly bias?: (m: ModelSketch, scale: number[]) => Value;
  readonly transB?: true;
  readonly group?: true;
  readonly input?: SketchGrid;
  /** The type of the file's codes, when they go through a Cast. */
  readonly stored?: DType;
  readonly followedBy?: string;
}

const int32Bias = (m: ModelSketch, scale: number[]): Value =>
  m.dequantize(m.constant(randomCodes('int32', [scale.length], [-3000, 3000], 4)), {
    dtype: 'int32',
    scale,
    axis: 0,
  });
const int16Bias = (m: ModelSketch, { length }: number[]): Value =>
  m.dequantize(m.constant(randomCodes('int16', [length], [-30000, 30000], 4)), {
    dtype: 'int16',
    scale: 0.00003,
  });
const unary =
  (opType: string, attributes = {}): Build =>
  (m, x) =>
    m.op(opType, [x], attributes);
const withConstant =
  (opType: string, attributes = {}): Build =>
  (m, x) =>
    m.op(
      opType,
      [
        x,
        m.dequantize(m.constant(randomCodes('uint8', IMAGE, [1, 255], 3)), {
          dtype: 'uint8',
          scale: 0.0119,
          zeroPoint: 0,
        }),
      ],
      attributes,
    );

const FULL: [number, number] = [0, 255];

const LAYOUTS: readonly Layout[] = [
  {
    name: 'Conv, uint8 weights with one zero point, int32 bias',
    build: layer('Conv', 'uint8', FULL, 'same', { bias: int32Bias }),
    runs: ['QLinearConv'],
  },
  {
    name: 'Conv, uint8 weights with a zero point for each channel',
    build: layer('Conv', 'uint8', FULL, 'apart', { bias: int32Bias }),
    runs: ['QLinearConv'],
  },
  {
    name: 'depthwise Conv, uint8 weights',
    build: layer('Conv', 'uint8', FULL, 'same', { group: true }),
    output: OUT,
    runs: ['QLinearConv'],
  },
  {
    name: 'Conv, 7-bit int8 weights',
    build: layer('Conv', 'int8', [-64, 63], 'same', { bias: int32Bias }),
    runs: ['QLinearConv'],
  },
  {
    name: 'Conv, int4 weights',
    build: layer('Conv', 'int4', [-8, 7], 'same'),
    runs: ['DequantizeLinear', 'DequantizeLinear', 'Conv'],
  },
  {
    name: 'Conv, int4 weights through a Cast',
    build: layer('Conv', 'int8', [-8, 7], 'same', { stored: 'int4' }),
    runs: ['QLinearConv'],
  },
  {
    name: 'Conv, int2 weights through a Cast',
    build: layer('Conv', 'int8', [-2, 1], 'same', { stored: 'int2' }),
    runs: ['QLinearConv'],
  },
  {
    name: 'Gemm, int2 weights through a Cast',
    dims: ROWS,
    build: layer('Gemm', 'int8', [-2, 1], 'same', { stored: 'int2' }),
    runs: ['QGemm'],
  },
  {
    name: 'MatMul, uint2 weights through a Cast',
    dims: ROWS,
    build: layer('MatMul', 'uint8', [0, 3], 'apart', { stored: 'uint2' }),
    runs: ['QLinearMatMul'],
  },
  {
    name: 'Conv, int16 bias of its own scale',
    build: layer('Conv', 'uint8', FULL, 'same', { bias: int16Bias }),
    runs: ['DequantizeLinear', 'DequantizeLinear', 'DequantizeLinear', 'Conv'],
  },
  {
    name: 'Gemm, transposed uint8 weights, int32 bias',
    dims: ROWS,
    build: layer('Gemm', 'uint8', FULL, 'same', { transB: true, bias: int32Bias }),
    runs: ['QGemm'],
  },
  {
    name: 'Gemm, uint8 weights with a zero point for each channel',
    dims: ROWS,
    build: layer('Gemm', 'uint8', FULL, 'apart', { bias: int32Bias }),
    runs: ['QGemm'],
  },
  {
    name: 'MatMul, uint8 weights',
    dims: ROWS,
    build: layer('MatMul', 'uint8', FULL, 'same'),
    runs: ['QLinearMatMul'],
  },
  {
    name: 'MatMul of three dimensions, uint8 weights',
    dims: [2, 8, 32],
    build: layer('MatMul', 'uint8', FULL, 'apart'),
    runs: ['QLinearMatMul'],
  },
  {
    name: 'MatMul and Add of an int32 bias',
    dims: ROWS,
    build: layer('MatMul', 'uint8', FULL, 'same', { bias: int32Bias }),
    runs: ['QGemm'],
  },
  {
    name: 'Conv, 4 bits',
    input: U4,
    output: OUT_4,
    build: layer('Conv', 'int8', [-7, 7], 'same', { bias: int32Bias, input: U4 }),
    runs: ['Clip', 'QLinearConv', 'Clip'],
  },
  {
    name: 'Conv, 16 bits',
    input: U16,
    output: { ...U16, scale: 0.000161 },
    build: layer('Conv', 'int16', [-32767, 32767], 'same', { bias: int32Bias, input: U16 }),
    runs: ['DequantizeLinear', 'DequantizeLinear', 'DequantizeLinear', 'Conv'],
  },
  {
    name: 'Conv and Relu on a grid from zero',
    output: { ...OUT, zeroPoint: 0 },
    build: layer('Conv', 'uint8', FULL, 'same', { followedBy: 'Relu' }),
    runs: ['QLinearConv'],
  },
  {
    name: 'Conv and Relu on a grid that reaches below zero',
    build: layer('Conv', 'uint8', FULL, 'same', { followedBy: 'Relu' }),
    runs: ['DequantizeLinear', 'DequantizeLinear', 'FusedConv'],
  },
  { name: 'Add of a constant', build: withConstant('Add'), runs: ['QLinearAdd'] },
  { name: 'Mul by a constant', build: withConstant('Mul'), runs: ['QLinearMul'] },
  { name: 'Concat with a constant', build: withConstant('Concat', { axis: 1 }), runs: ['QLinearConcat'] },
  {
    name: 'Sub of a constant',
    build: withConstant('Sub'),
    runs: ['DequantizeLinear', 'DequantizeLinear', 'Sub'],
  },
  {
    name: 'Div by a constant',
    build: withConstant('Div'),
    runs: ['DequantizeLinear', 'DequantizeLinear', 'Div'],
  },
  {
    name: 'Sigmoid',
    output: { dtype: 'uint8', scale: 1 / 256, zeroPoint: 0 },
    build: unary('Sigmoid'),
    runs: ['QLinearSigmoid'],
  },
  {
    name: 'Softmax',
    output: { dtype: 'uint8', scale: 1 / 256, zeroPoint: 0 },
    build: unary('Softmax', { axis: 1 }),
    runs: ['QLinearSoftmax'],
  },
  { name: 'LeakyRelu', build: unary('LeakyRelu', { alpha: 0.1 }), runs: ['QLinearLeakyRelu'] },
  { name: 'GlobalAveragePool', build: unary('GlobalAveragePool'), runs: ['QLinearGlobalAveragePool'] },
  {
    name: 'MaxPool on one grid',
    output: U8,
    build: unary('MaxPool', { kernel_shape: [2, 2] }),
    runs: ['MaxPool'],
  },
  {
    name: 'MaxPool between two grids',
    build: unary('MaxPool', { kernel_shape: [2, 2] }),
    runs: ['DequantizeLinear', 'MaxPool'],
  },
  { name: 'HardSwish', build: unary('HardSwish'), runs: ['DequantizeLinear', 'HardSigmoid', 'Mul'] },
  {
    name: 'ReduceMean',
    build: (m, x) => m.op('ReduceMean', [x, m.constant(int64Tensor([2, 3]))]),
    runs: ['DequantizeLinear', 'ReduceMean'],
  },
  {
    name: 'Flatten of floats before a Gemm',
    build: flattened((m, x) => m.op('Flatten', [x])),
    runs: ['DequantizeLinear', 'Flatten', 'DequantizeLinear', 'Gemm'],
  },
  {
    name: 'Reshape of floats before a Gemm',
    build: flattened((m, x) => m.op('Reshape', [x, m.constant(int64Tensor([0, -1]))])),
    runs: ['Reshape', 'QGemm'],
  },
];

function flattened(flatten: Build): Build {
  return (m, x) => {
    const codes = m.constant(randomCodes('uint8', [256, C], FULL, 2));
    return m.op('Gemm', [
      flatten(m, x),
      m.dequantize(codes, { dtype: 'uint8', scale: 0.0007, zeroPoint: 128 }),
    ]);
  };
}

/** What the dialects rely on: each layout gives, in a stock session, what its file says. */
describe.each(LAYOUTS)('$name', ({ dims = IMAGE, input = U8, output = OUT, build, runs }) => {
  const sketch = new ModelSketch(25);
  const x = sketch.fakeQuantize(sketch.input(dims), input);
  const bytes = sketch.finish(sketch.fakeQuantize(build(sketch, x), output));
  const model = { bytes, input: randomFloats(dims, [-1, 3], 1), tolerance: (output.scale as number) / 2 };

  it('runs as known', async () => {
    const operators = await operatorsRun(bytes);
    // Where the quantizer of the input stands among the constants' is no matter.
    const inner = operators.filter((opType) => opType !== 'QuantizeLinear');
    const last = inner.lastIndexOf('DequantizeLinear');
    expect([...inner.slice(0, last)].sort()).toEqual([...runs].sort());
  });

  it('is right in onnxruntime-node', async () => {
    expect(await probeTrapModel(openOrtNode, model)).toBe('right');
  });

  it('is right in onnxruntime-web', async () => {
    expect(await probeTrapModel(openOrtWeb, model)).toBe('right');
  });
});

describe('a layer behind a Flatten of codes', () => {
  it('runs in integers', async () => {
    const sketch = new ModelSketch();
    const codes = sketch.op('Flatten', [sketch.quantize(sketch.input(IMAGE), U4)]);
    const gemm = flattened((_, x) => x)(sketch, sketch.dequantize(codes, { ...U4 }));
    const bytes = sketch.finish(sketch.fakeQuantize(gemm, OUT));
    expect(await operatorsRun(bytes)).toEqual([
      'QuantizeLinear',
      'Clip',
      'Flatten',
      'QGemm',
      'DequantizeLinear',
    ]);
  });
});

describe('a Conv and an Add without a quantizer between them', () => {
  it('stays float', async () => {
    const sketch = new ModelSketch();
    const x = sketch.fakeQuantize(sketch.input(IMAGE), U8);
    const conv = (seed: number): Value =>
      sketch.op('Conv', [
        x,
        sketch.dequantize(sketch.constant(randomCodes('uint8', [C, 4, 3, 3], FULL, seed)), {
          dtype: 'uint8',
          scale: 0.003,
          zeroPoint: 128,
        }),
      ]);
    const bytes = sketch.finish(sketch.fakeQuantize(sketch.op('Add', [conv(1), conv(2)]), OUT));
    const operators = await operatorsRun(bytes);
    expect(operators.filter((opType) => opType.startsWith('QLinear'))).toEqual([]);
  });
});

/** Trap 8: a fake quantizer of float operators, its grid fed as inputs, equals the quantizers of every width. */
describe('a grid that is fed', () => {
  it.each([2, 3, 4, 5, 6, 7, 8])('equals %d bits written in the file', async (bits) => {
    const top = 2 ** bits - 1;
    const grid = { dtype: 'uint8', scale: 4.1 / top, zeroPoint: Math.round(top / 4) } as const;
    const written = new ModelSketch();
    const values = written.fakeQuantize(written.input(IMAGE), { ...grid, top });
    const fed = new ModelSketch();
    const x = fed.input(IMAGE);
    const [scale, zero, low, high] = ['scale', 'zero', 'low', 'high'].map((name) =>
      fed.input([], 'float', name),
    ) as [Value, Value, Value, Value];
    const codes = fed.op('Clip', [
      fed.op('Add', [fed.op('Round', [fed.op('Div', [x, scale])]), zero]),
      low,
      high,
    ]);
    const bytes = fed.finish(fed.op('Mul', [fed.op('Sub', [codes, zero]), scale]));

    const image = randomFloats(IMAGE, [-2, 4], bits);
    const scalar = (value: number) => floatTensor([value], []);
    const feeds = {
      x: image,
      scale: scalar(grid.scale),
      zero: scalar(grid.zeroPoint),
      low: scalar(0),
      high: scalar(top),
    };
    const [a, b] = await Promise.all([run(written.finish(values), { x: image }), run(bytes, feeds)]);
    expect(b).toEqual(a);
  });

  async function run(bytes: Uint8Array, feeds: Readonly<Record<string, ReturnType<typeof codeTensor>>>) {
    const executor = await openOrtNode(bytes);
    const results = await executor.run(new Map(Object.entries(feeds)));
    await executor.release();
    return results.get('y')!.data();
  }
});
