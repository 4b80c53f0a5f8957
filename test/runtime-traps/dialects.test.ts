import { DIALECTS } from '@bitwright/dialects';
import type { Value } from '@bitwright/graph';
import { openOrtNode, probeTrapModel, randomFloats } from '@bitwright/runtime';
import { describe, expect, it } from 'vitest';
import { openOrtWeb } from '../support/ort-web.js';
import { QuantizedSketch } from './quantized-sketch.js';

const IMAGE = [1, 4, 8, 8];
const ROWS = [16, 32];
const C = 8;
const OUT = 0.0413;

interface Case {
  readonly name: string;
  readonly dims: readonly number[];
  readonly build: (m: QuantizedSketch, x: Value) => Value;
  /** The step of the output's grid, or what counts as a difference of floats. */
  readonly step?: number;
}

const in4 = (m: QuantizedSketch, x: Value) => m.activation(x, 4, 0.267, 4);
const in8 = (m: QuantizedSketch, x: Value) => m.activation(x, 8, 0.0157, 64);
const out = (m: QuantizedSketch, y: Value) => m.activation(y, 8, OUT, 120);
const pooled = (m: QuantizedSketch, x: Value) => m.op('MaxPool', [x], { kernel_shape: [2, 2] });
const conv = (m: QuantizedSketch, x: Value, bits: number, ...bias: Value[]) =>
  m.op('Conv', [x, m.weight([C, 4, 3, 3], bits, 0), ...bias]);
const floatConv = (m: QuantizedSketch, x: Value) => m.op('Conv', [x, m.constant([C, 4, 3, 3], 0.5)]);
const matMul = (m: QuantizedSketch, x: Value, bits: number) =>
  m.op('MatMul', [x, m.weight([32, C], bits, 1)]);

const CASES: readonly Case[] = [
  {
    name: 'W8A8 Conv, full-range weights',
    dims: IMAGE,
    build: (m, x) => out(m, conv(m, in8(m, x), 8)),
  },
  {
    name: 'W8A8 MatMul, full-range weights',
    dims: ROWS,
    build: (m, x) => out(m, matMul(m, in8(m, x), 8)),
  },
  {
    name: 'W4A4 Conv with a float bias',
    dims: IMAGE,
    build: (m, x) => out(m, conv(m, in4(m, x), 4, m.constant([C], 1))),
  },
  {
    name: 'W2A4 Conv with a float bias',
    dims: IMAGE,
    build: (m, x) => out(m, conv(m, in4(m, x), 2, m.constant([C], 1))),
  },
  {
    name: 'W2A8 Conv',
    dims: IMAGE,
    build: (m, x) => out(m, conv(m, in8(m, x), 2)),
  },
  {
    name: 'W2A8 MatMul',
    dims: ROWS,
    build: (m, x) => out(m, matMul(m, in8(m, x), 2)),
  },
  {
    name: 'W4A4 MatMul and Add of a float vector',
    dims: ROWS,
    build: (m, x) => out(m, m.op('Add', [matMul(m, in4(m, x), 4), m.constant([C], 1)])),
  },
  {
    name: 'Conv with float weights',
    dims: IMAGE,
    build: (m, x) => out(m, floatConv(m, in8(m, x))),
  },
  {
    name: 'Conv with float weights behind a MaxPool',
    dims: IMAGE,
    build: (m, x) => out(m, floatConv(m, pooled(m, in8(m, x)))),
  },
  {
    name: 'Gemm with float weights',
    dims: ROWS,
    build: (m, x) => out(m, m.op('Gemm', [in8(m, x), m.constant([32, C], 0.5)])),
  },
  {
    name: 'W8 MatMul of a float input',
    dims: ROWS,
    build: (m, x) => matMul(m, x, 8),
    step: 1e-3,
  },
  {
    name: 'W4 MatMul of a float input',
    dims: ROWS,
    build: (m, x) => matMul(m, x, 4),
    step: 1e-3,
  },
  {
    name: 'W4A8 MatMul behind a Flatten',
    dims: [16, 4, 8],
    build: (m, x) => matMul(m, m.op('Flatten', [in8(m, x)]), 4),
    step: 1e-3,
  },
  {
    name: '4-bit Relu on a grid that reaches below zero',
    dims: IMAGE,
    build: (m, x) => m.activation(m.op('Relu', [x]), 4, 0.4, 5),
    step: 0.4,
  },
  {
    name: '2-bit MaxPool',
    dims: IMAGE,
    build: (m, x) => m.activation(pooled(m, m.activation(x, 2, 0.9, 1)), 2, 0.9, 1),
    step: 0.9,
  },
  {
    name: 'W8A8 Conv and Clip to bounds just inside of the grid',
    dims: IMAGE,
    build: (m, x) => {
      const clipped = m.op('Clip', [conv(m, in8(m, x), 8), m.scalar(0), m.scalar(6)]);
      return m.activation(clipped, 8, 0.02355, 0);
    },
    step: 0.02355,
  },
  {
    name: 'W8A8 Conv, Clip and MaxPool',
    dims: IMAGE,
    build: (m, x) => {
      const clipped = m.op('Clip', [conv(m, in8(m, x), 8), m.scalar(0), m.scalar(6)]);
      return m.activation(pooled(m, clipped), 8, 0.02355, 0);
    },
    step: 0.02355,
  },
  {
    name: 'Add of two activations',
    dims: IMAGE,
    build: (m, x) => out(m, m.op('Add', [in8(m, x), m.activation(m.op('Relu', [x]), 8, 0.0117, 0)])),
  },
];

/** What the dialects write falls into no trap: a stock session gives what a faithful one does. */
describe.each(DIALECTS.filter(({ name }) => name === 'qcdq' || name === 'native'))('$name', (dialect) => {
  for (const { name, dims, build, step = OUT } of CASES) {
    it(name, async () => {
      const sketch = new QuantizedSketch();
      const bytes = sketch.finish(build(sketch, sketch.input(dims)), dialect);
      const model = { bytes, input: randomFloats(dims, [-1, 3], 1), tolerance: step / 2 };
      expect(await probeTrapModel(openOrtNode, model)).toBe('right');
      expect(await probeTrapModel(openOrtWeb, model)).toBe('right');
    });
  }
});
