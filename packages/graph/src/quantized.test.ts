import { dequantizeValue, floatTensor, type QParams, quantGrid } from '@bitwright/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  BITWRIGHT_DOMAIN,
  constantTensor,
  Graph,
  GraphModule,
  hasQParams,
  isDeQuantStub,
  isQuantizer,
  lint,
  type OpNode,
  parseModule,
  printModule,
  QUANT_OPS,
  QuantizedTensor,
  type QuantSpec,
  qparamsOf,
  quantAttributes,
  quantSpecOf,
  setQParams,
} from './index.js';

const specs: fc.Arbitrary<QuantSpec> = fc
  .record({
    bits: fc.integer({ min: 2, max: 16 }),
    signed: fc.boolean(),
    narrow: fc.boolean(),
    role: fc.constantFrom('activation' as const, 'weight' as const, 'bias' as const),
    axis: fc.option(fc.nat(3), { nil: undefined }),
  })
  .map(({ bits, signed, narrow, role, axis }) => ({
    ...quantGrid(bits, signed, narrow),
    role,
    ...(axis !== undefined && { axis }),
  }));

function quantizer(spec: QuantSpec): { module: GraphModule; node: OpNode } {
  const graph = new Graph();
  const node = graph.createOp({
    opType: 'FakeQuantize',
    domain: BITWRIGHT_DOMAIN,
    inputs: [graph.placeholder('x').output],
    attributes: quantAttributes(spec),
  });
  graph.setOutputs([node.output]);
  return { module: new GraphModule(graph), node };
}

const paramsFor = (axis: number | undefined, count = 3): Pick<QParams, 'scale' | 'zeroPoint' | 'axis'> => ({
  scale: Float32Array.from({ length: axis === undefined ? 1 : count }, (_, i) => (i + 1) / 10),
  zeroPoint: Int32Array.from({ length: axis === undefined ? 1 : count }, (_, i) => i - 1),
  ...(axis !== undefined && { axis }),
});

test('a spec survives as attributes, in the text form too', () => {
  fc.assert(
    fc.property(specs, (spec) => {
      const { module, node } = quantizer(spec);
      expect(quantSpecOf(node)).toEqual(spec);
      const read = [...parseModule(printModule(module)).graph.ops()][0]!;
      expect(quantSpecOf(read)).toEqual(spec);
    }),
  );
});

test('parameters come back as they were set, and with the spec', () => {
  fc.assert(
    fc.property(specs, (spec) => {
      const { module, node } = quantizer(spec);
      expect(hasQParams(node)).toBe(false);
      setQParams(node, paramsFor(spec.axis));
      expect(hasQParams(node)).toBe(true);
      expect(qparamsOf(node)).toEqual({ ...spec, ...paramsFor(spec.axis) });
      lint(module);
      const read = [...parseModule(printModule(module)).graph.ops()][0]!;
      expect(qparamsOf(read)).toEqual(qparamsOf(node));
    }),
  );
});

test('per-tensor parameters are scalars, per-channel ones a vector', () => {
  const { node } = quantizer({ ...quantGrid(8, true), role: 'weight', axis: 1 });
  setQParams(node, paramsFor(1));
  expect(constantTensor(node.inputs[1])!.dims).toEqual([3]);
  setQParams(node, paramsFor(undefined));
  expect(constantTensor(node.inputs[1])!.dims).toEqual([]);
  expect(node.inputs.slice(1).map((value) => value!.dtype)).toEqual(['float', 'int32']);
});

test('the axis of the parameters becomes that of the node', () => {
  const { node } = quantizer({ ...quantGrid(8, true), role: 'weight' });
  setQParams(node, paramsFor(2));
  expect(qparamsOf(node).axis).toBe(2);
  setQParams(node, paramsFor(undefined));
  expect(qparamsOf(node).axis).toBeUndefined();
});

test('new parameters replace the old initializers, unless another quantizer shares them', () => {
  const { module, node } = quantizer({ ...quantGrid(4, false), role: 'activation' });
  const { graph } = module;
  setQParams(node, paramsFor(undefined));
  const nodes = graph.nodeCount;
  setQParams(node, paramsFor(undefined));
  expect(graph.nodeCount).toBe(nodes);
  graph.createOp({ opType: 'FakeQuantize', domain: BITWRIGHT_DOMAIN, inputs: [...node.inputs] });
  setQParams(node, paramsFor(undefined));
  expect(graph.nodeCount).toBe(nodes + 3);
  lint(module);
});

test('parameters that come from elsewhere are let go, not erased', () => {
  const { module, node } = quantizer({ ...quantGrid(4, false), role: 'activation' });
  node.setInput(1, module.graph.placeholder('scale').output);
  setQParams(node, paramsFor(undefined));
  expect(module.graph.inputs.map(({ name }) => name)).toEqual(['x', 'scale']);
  lint(module);
});

test('a quantizer that was not calibrated is an error that names the value', () => {
  const { node } = quantizer({ ...quantGrid(4, false), role: 'activation' });
  expect(() => qparamsOf(node)).toThrow(
    expect.objectContaining({
      code: 'QUANTIZER_NOT_CALIBRATED',
      at: { node: 'FakeQuantize_output', value: 'x' },
    }),
  );
});

test('the operators of the private dialect are told apart', () => {
  const text = `<opset_import: ["ai.bitwright" : 1]> g (float x) => (y) {
    ${QUANT_OPS.map((type, i) => `v${i} = ai.bitwright.${type}(x)`).join(' ')} y = FakeQuantize(x) }`;
  const ops = [...parseModule(text).graph.ops()];
  expect(ops.map(isQuantizer)).toEqual([true, false, true, false]);
  expect(ops.map(isDeQuantStub)).toEqual([false, true, false, false]);
  expect([isQuantizer(undefined), isDeQuantStub(undefined)]).toEqual([false, false]);
});

test('only what an initializer makes is constant', () => {
  const graph = new Graph();
  const tensor = floatTensor([1]);
  expect(constantTensor(graph.getAttr('w', tensor).output)).toBe(tensor);
  expect(constantTensor(graph.placeholder('x').output)).toBeUndefined();
  expect(constantTensor(undefined)).toBeUndefined();
});

test('a quantized tensor is the floats that its codes stand for', () => {
  const qparams: QParams = {
    ...quantGrid(4, true),
    scale: Float32Array.of(0.5, 0.25),
    zeroPoint: Int32Array.of(0, 1),
    axis: 0,
  };
  const tensor = new QuantizedTensor([2, 3], Int32Array.of(-8, 0, 7, 1, 2, -8), qparams);
  expect(tensor.dtype).toBe('float');
  expect(tensor.data()).toEqual(Float32Array.of(-4, 0, 3.5, 0, 0.25, -2.25));
  expect(tensor.data()[0]).toBe(dequantizeValue(-8, 0.5, 0));
});
