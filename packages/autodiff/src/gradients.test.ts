import { type GraphModule, parseModule, printModule } from '@bitwright/graph';
import { inferShapes } from '@bitwright/rewrite';
import { expect, it } from 'vitest';
import { addGradients } from './gradients.js';

function moduleOf(text: string): GraphModule {
  const module = parseModule(`<ir_version: 10, opset_import: ["": 21]> ${text}`);
  inferShapes(module);
  return module;
}

const operators = (module: GraphModule): string[] => [...module.graph.ops()].map(({ opType }) => opType);

it('adds the gradient of each value that was asked for, and leaves the graph before it as it was', () => {
  const module = moduleOf(
    'g (float[3] x, float[3] w) => (float l) { p = Mul(x, w) l = ReduceSum<keepdims=0>(p) }',
  );
  const [x, w] = module.graph.inputs;
  const gradients = addGradients(module.graph, module.graph.outputs[0]!, [w!]);
  expect([...gradients.keys()]).toEqual([w]);
  expect(operators(module)).toEqual(['Mul', 'ReduceSum', 'Reshape', 'Expand', 'Mul']);
  // only the product with x: nothing is made for x itself
  expect(gradients.get(w!)!.producer.inputs[1]).toBe(x);
});

it('sums what several readers send back', () => {
  const module = moduleOf(
    'g (float[2] x) => (float l) { a = Relu(x) b = Neg(x) c = Add(a, b) l = ReduceSum<keepdims=0>(c) }',
  );
  const [x] = module.graph.inputs;
  const gradient = addGradients(module.graph, module.graph.outputs[0]!, [x!]).get(x!)!;
  expect(gradient.producer).toMatchObject({ opType: 'Sum' });
});

it('gives nothing for a value that the loss does not depend on', () => {
  const module = moduleOf(
    'g (float[2] x, float[2] z) => (float l, float[2] n) { n = Neg(z) l = ReduceSum<keepdims=0>(x) }',
  );
  const [x, z] = module.graph.inputs;
  const gradients = addGradients(module.graph, module.graph.outputs[0]!, [z!]);
  expect(gradients.get(z!)).toBeUndefined();
  expect(addGradients(module.graph, module.graph.outputs[0]!, [x!]).get(x!)).toBeDefined();
});

it('uses a plain convolution for the input of one that does not stride, and a transposed one otherwise', () => {
  const kinds = [1, 2].map((stride) => {
    const module =
      moduleOf(`g (float[1,2,6,6] x) => (float l) <float[3,2,3,3] w = {${Array(54).fill('0.5')}}> {
      y = Conv<pads=[1,1,1,1], strides=[${stride},${stride}]>(x, w) l = ReduceSum<keepdims=0>(y) }`);
    addGradients(module.graph, module.graph.outputs[0]!, [module.graph.inputs[0]!]);
    return operators(module).filter((opType) => opType.startsWith('Conv'));
  });
  expect(kinds).toEqual([
    ['Conv', 'Conv'],
    ['Conv', 'ConvTranspose'],
  ]);
});

it.each([
  ['AUTODIFF_LOSS', 'g (float[2] x) => (float[2] y) { y = Neg(x) }'],
  ['AUTODIFF_SHAPE', 'g (float[N,2] x) => (float l) { y = Neg(x) l = ReduceSum<keepdims=0>(y) }'],
  ['AUTODIFF_UNSUPPORTED', 'g (float[2] x) => (float l) { y = Erf(x) l = ReduceSum<keepdims=0>(y) }'],
  [
    'AUTODIFF_UNSUPPORTED',
    'g (float[3] x) => (float l) <int64[2] p = {1, 1}> { y = Pad<mode="reflect">(x, p) l = ReduceSum<keepdims=0>(y) }',
  ],
])('says %s for %s', (code, text) => {
  const module = moduleOf(text);
  const [x] = module.graph.inputs;
  expect(() => addGradients(module.graph, module.graph.outputs[0]!, [x!])).toThrow(
    expect.objectContaining({ code }),
  );
});

it('names the node that has no gradient, and does not look at nodes that none is needed of', () => {
  const module = moduleOf(
    'g (float[2] x, float[2] z) => (float l) { e = Erf(z) y = Mul(x, e) l = ReduceSum<keepdims=0>(y) }',
  );
  const [x, z] = module.graph.inputs;
  const loss = module.graph.outputs[0]!;
  expect(() => addGradients(module.graph, loss, [z!])).toThrow(
    expect.objectContaining({ at: { node: 'e' } }),
  );
  addGradients(module.graph, loss, [x!]);
  expect(printModule(module)).toContain('Mul');
});
