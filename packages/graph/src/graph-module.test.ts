import fc from 'fast-check';
import { expect, test } from 'vitest';
import { moduleArbitrary, plainGraph } from '../test/random-module.js';
import { cloneGraph, Graph, GraphModule, lint, type OpNode, parseModule, printModule } from './index.js';

test('a clone says the same and shares no structure', () => {
  fc.assert(
    fc.property(moduleArbitrary, (module) => {
      const text = printModule(module);
      const copy = module.clone();
      lint(copy);
      lint(module);
      expect(printModule(copy)).toBe(text);
      expect(plainGraph(copy.graph)).toStrictEqual(plainGraph(module.graph));
      copy.graph.setOutputs([]);
      copy.graph.eliminateDeadCode();
      copy.metadataProps.clear();
      copy.opsets.clear();
      expect(printModule(module)).toBe(text);
      lint(module);
    }),
    { numRuns: 150 },
  );
});

const text = `<ir_version: 8, opset_import: ["" : 17], metadata_props: ["k": "v"]>
  g (float x, bool c) => (y) <float w = {1}> {
    t = Relu(x)
    y = If(c) <then_branch = b () => (u) <float w2 = {2}> { u = Sum(t, w, w2) }, else_branch = d () => (t) {}>
  }`;

test('bodies of a clone read the values of the clone', () => {
  const copy = parseModule(text).clone();
  const node = copy.graph.findValue('y')!.producer as OpNode;
  const [body] = node.subgraphs();
  expect(body!.parent?.node).toBe(node);
  const reader = [...body!.ops()][0]!;
  expect(reader.inputs[0]).toBe(copy.graph.findValue('t'));
  expect(reader.inputs[1]).toBe(copy.graph.findValue('w'));
  expect(reader.inputs[2]).toBe(body!.findValue('w2'));
});

test('a clone shares tensors and file messages, and not the notes', () => {
  const module = parseModule(text);
  module.origin = { model: 1 };
  module.producerName = 'p';
  module.producerVersion = '2';
  module.graph.origin = { graph: 1 };
  module.graph.docString = 'd';
  const [w, y] = [module.graph.findValue('w')!, module.graph.findValue('y')!];
  y.origin = { value: 1 };
  y.producer.origin = { node: 1 };
  y.producer.meta.set('note', 1);
  const copy = module.clone();
  expect([copy.origin, copy.producerName, copy.producerVersion]).toEqual([module.origin, 'p', '2']);
  expect([copy.graph.origin, copy.graph.docString]).toEqual([module.graph.origin, 'd']);
  const into = copy.graph.findValue('y')!;
  expect(into.origin).toBe(y.origin);
  expect(into.producer.origin).toBe(y.producer.origin);
  expect(into.producer.meta.size).toBe(0);
  const [from, to] = [w.producer, copy.graph.findValue('w')!.producer];
  if (from.kind !== 'get_attr' || to.kind !== 'get_attr') throw new Error('w is an initializer');
  expect(to.tensor).toBe(from.tensor);
  expect(copy.opset).toBe(17);
});

test('a body alone is cloned into another node with a map of what is around it', () => {
  const module = parseModule(text);
  const { graph } = module;
  const node = graph.findValue('y')!.producer as OpNode;
  const twin = graph.createOp({ opType: 'If', inputs: [...node.inputs] });
  const body = cloneGraph(node.subgraphs()[0]!, new Map(), { node: twin, attribute: 'then_branch' });
  twin.attributes = twin.attributes.with({ then_branch: { type: 'graph', value: body } });
  expect([...body.ops()][0]!.inputs[0]).toBe(graph.findValue('t'));
  lint(module);
});

test('the standard operator set goes by either of its names', () => {
  const module = new GraphModule(new Graph());
  expect(module.opset).toBe(1);
  module.opsets.set('ai.onnx', 12);
  expect(module.opset).toBe(12);
  module.opsets.set('', 13);
  expect(module.opset).toBe(13);
});
