import { floatData } from '@bitwright/core';
import {
  constantTensor,
  type GetAttrNode,
  isQuantizer,
  lint,
  parseModule,
  printModule,
  QuantizedTensor,
  qparamsOf,
} from '@bitwright/graph';
import { expect, it } from 'vitest';
import { toFloatModel } from './to-float.js';

const GRID = '<role="activation", bits=8, signed=0, quant_min=0, quant_max=255>';

/** The operators that are left of a graph in the private dialect. */
function floats(body: string, initializers = '') {
  const text = body.replaceAll(/\b(QuantStub|FakeQuantize|DeQuantStub)/g, 'ai.bitwright.$1');
  const module = parseModule(`<ir_version: 10, opset_import: ["": 21, "ai.bitwright": 1]>
    g (float[1,2] x) => (float[1,2] y)
    <float s = {0.1}, int32 z = {0}, int32 mid = {128}, float[2,2] w = {1,2,3,-4}, float ws = {1}${initializers}> { ${text} }`);
  for (const node of module.graph.ops()) {
    const tensor = constantTensor(node.inputs[0]);
    if (!isQuantizer(node) || tensor === undefined) continue;
    (node.inputs[0]!.producer as GetAttrNode).tensor = new QuantizedTensor(
      tensor.dims,
      Int32Array.from(floatData(tensor)),
      qparamsOf(node),
    );
  }
  toFloatModel(module);
  lint(module);
  expect(module.opsets.has('ai.bitwright')).toBe(false);
  return module;
}

const ops = (module: ReturnType<typeof floats>) =>
  [...module.graph.ops()].map((node) => `${node.output.name} = ${node.opType}(${node.inputs[0]!.name})`);

it('gives weights as the floats of their codes, and outputs their names', () => {
  const module = floats(`xq = QuantStub${GRID}(x, s, mid)
    wq = FakeQuantize<role="weight", bits=4, signed=1, quant_min=-8, quant_max=7>(w, s, z)
    m = MatMul(xq, wq) mq = FakeQuantize${GRID}(m, s, mid) y = DeQuantStub(mq)`);
  expect(ops(module)).toEqual(['y = MatMul(x)']);
  const weights = constantTensor([...module.graph.ops()][0]!.inputs[1])!;
  expect([...floatData(weights)]).toEqual([1, 2, 3, -4].map((code) => Math.fround(code * Math.fround(0.1))));
});

it('puts a Clip where a grid without negative values stood behind what can be negative', () => {
  const module = floats(
    `xq = QuantStub${GRID}(x, s, z) m = MatMul(xq, w) mq = FakeQuantize${GRID}(m, s, z)
    r = Reshape(mq, shape) rq = FakeQuantize${GRID}(r, s, z) y = DeQuantStub(rq)`,
    ', int64[2] shape = {1,2}',
  );
  expect(ops(module)).toEqual(['m = MatMul(x)', 'm_clip = Clip(m)', 'y = Reshape(m_clip)']);
  const [, clip] = [...module.graph.ops()];
  expect(clip!.inputs.slice(1).map((value) => floatData(constantTensor(value)!)[0])).toEqual([
    0,
    Math.fround(25.5),
  ]);
});

it.each([
  ['Relu(m)', ['Relu']],
  ['Sigmoid(m)', ['Sigmoid']],
  ['Clip(m, zero, six)', ['Clip']],
  ['Clip(m, below, six)', ['Clip', 'Clip']],
  ['Add(m, m)', ['Add', 'Clip']],
  ['Neg(m)', ['Neg', 'Clip']],
])('%s decides by itself whether a Clip is needed', (made, expected) => {
  const module = floats(
    `m = MatMul(x, w) a = ${made} aq = FakeQuantize${GRID}(a, s, z) y = DeQuantStub(aq)`,
    ', float zero = {0}, float six = {6}, float below = {-1}',
  );
  expect(ops(module).map((line) => /= (\w+)/.exec(line)![1])).toEqual(['MatMul', ...expected]);
});

it('keeps the names of two outputs that were one value', () => {
  const module =
    parseModule(`<ir_version: 10, opset_import: ["": 21, "ai.bitwright": 1]> g (float[2] x) => (y, z) {
    r = Relu(x) y = ai.bitwright.DeQuantStub(r) z = ai.bitwright.DeQuantStub(r) }`);
  toFloatModel(module);
  lint(module);
  expect(module.graph.outputs.map(({ name }) => name)).toEqual(['y', 'z']);
  expect(printModule(module)).toContain('Identity');
});
