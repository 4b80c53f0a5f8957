import { floatTensor } from '@bitwright/core';
import { describe, expect, test } from 'vitest';
import {
  Graph,
  type GraphModule,
  lint,
  type Node,
  nodeName,
  type OpNode,
  parseModule,
  printGraph,
  type Value,
} from './index.js';

const parse = (nodes: string, outputs = 'y'): GraphModule =>
  parseModule(`g (float x, bool c) => (${outputs}) <float w = {1}> { ${nodes} }`);
const value = (module: GraphModule, name: string): Value => module.graph.findValue(name)!;
const op = (module: GraphModule, name: string): OpNode => value(module, name).producer as OpNode;
const order = (graph: Graph): string[] => [...graph.nodes()].map(nodeName);
const uses = (of: Value): string[] => [...of.uses].map(({ node, index }) => `${nodeName(node)}#${index}`);

describe('making nodes', () => {
  test('placeholders stand ahead of the rest, in the order they were made', () => {
    const graph = new Graph();
    graph.placeholder('a');
    graph.createOp({ opType: 'Relu', inputs: [graph.inputs[0]] });
    graph.placeholder('b');
    expect(order(graph)).toEqual(['a', 'b', 'Relu_output', 'output']);
    expect(graph.inputs.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test('an operator stands before the node that is named, and its result may be named and typed', () => {
    const module = parse('y = Relu(x)');
    const type = { kind: 'tensor', dtype: 'float', shape: [1] } as const;
    const made = module.graph.createOp({
      opType: 'Neg',
      domain: 'my.dom',
      inputs: [value(module, 'x'), undefined],
      attributes: { alpha: 1 },
      outputs: [{ name: 'n', type }, {}],
      before: op(module, 'y'),
    });
    expect(order(module.graph)).toEqual(['x', 'c', 'w', 'n', 'y', 'output']);
    expect(made.output.shape).toEqual([1]);
    expect(made.outputs[1]!.name).toBe('Neg_output');
    expect(made.is('Neg')).toBe(false);
    expect(made.inputs).toEqual([value(module, 'x'), undefined]);
    lint(module);
  });

  test('a failed creation leaves no trace', () => {
    const module = parse('y = Relu(x)');
    const text = printGraph(module.graph);
    const foreign = new Graph().placeholder('f').output;
    expect(() => module.graph.createOp({ opType: 'Add', inputs: [value(module, 'x'), foreign] })).toThrow(
      expect.objectContaining({ code: 'GRAPH_FOREIGN_VALUE', at: { value: 'f' } }),
    );
    expect(printGraph(module.graph)).toBe(text);
    expect(uses(value(module, 'x'))).toEqual(['y#0']);
    lint(module);
  });

  test('fresh names are new in the whole model, bodies included', () => {
    const module = parse('y = If(c) <then_branch = b () => (t) { t = Relu(x) }>');
    const { graph } = module;
    expect(graph.freshName('new')).toBe('new');
    expect(graph.freshName('x')).toBe('x_1');
    expect(graph.freshName('t')).toBe('t_1');
    expect(op(module, 'y').subgraphs()[0]!.freshName('x')).not.toBe('x');
    expect(graph.freshName('')).toBe('value');
    expect(graph.getAttr('w', floatTensor([2])).output.name).toBe('w_1');
    expect(graph.getAttr('w', floatTensor([2])).output.name).toBe('w_2');
  });

  test('names of the prototype are names like any other', () => {
    const graph = new Graph();
    expect(graph.findValue('__proto__')).toBeUndefined();
    expect(graph.freshName('__proto__')).toBe('__proto__');
    expect(graph.placeholder('__proto__').output).toBe(graph.findValue('__proto__'));
    expect(graph.freshName('__proto__')).toBe('__proto___1');
  });
});

describe('setInput', () => {
  test('moves the use from one value to the other', () => {
    const module = parse('y = Add(x, w)');
    op(module, 'y').setInput(1, value(module, 'x'));
    expect(uses(value(module, 'x'))).toEqual(['y#0', 'y#1']);
    expect(uses(value(module, 'w'))).toEqual([]);
    op(module, 'y').setInput(0, undefined);
    expect(uses(value(module, 'x'))).toEqual(['y#1']);
    lint(module);
  });

  test('fills a gap with inputs that are left out', () => {
    const module = parse('y = Clip(x)');
    op(module, 'y').setInput(2, value(module, 'w'));
    expect(op(module, 'y').inputs.map((input) => input?.name)).toEqual(['x', undefined, 'w']);
    op(module, 'y').truncateInputs(1);
    expect(op(module, 'y').inputs).toHaveLength(1);
    expect(uses(value(module, 'w'))).toEqual([]);
    lint(module);
  });

  test('a value that is not around the reader is refused, and nothing changes', () => {
    const module = parse('y = If(c) <then_branch = b () => (t) { t = Relu(x) }>');
    const [body] = op(module, 'y').subgraphs();
    const reader = op(module, 'y');
    expect(() => reader.setInput(3, body!.findValue('t'))).toThrow(
      expect.objectContaining({ code: 'GRAPH_FOREIGN_VALUE' }),
    );
    expect(reader.inputs.map((input) => input?.name)).toEqual(['c']);
    lint(module);
  });
});

describe('replaceAllUsesWith', () => {
  test('moves the uses by operators, by the output and inside bodies', () => {
    const module = parse(
      't = Relu(x) y = If(c) <then_branch = b () => (u) { u = Add(t, t) }> z = Neg(t)',
      't, y',
    );
    value(module, 't').replaceAllUsesWith(value(module, 'x'));
    expect(uses(value(module, 't'))).toEqual([]);
    expect(uses(value(module, 'x')).sort()).toEqual(['output#0', 't#0', 'u#0', 'u#1', 'z#0']);
    expect(module.graph.outputs.map(({ name }) => name)).toEqual(['x', 'y']);
    lint(module);
  });

  test('lets a node go in between by leaving out its own use', () => {
    const module = parse('y = Relu(x)');
    const before = op(module, 'y');
    const stub = module.graph.createOp({ opType: 'QuantStub', inputs: [value(module, 'x')], before });
    value(module, 'x').replaceAllUsesWith(stub.output, new Set<Node>([stub]));
    expect(uses(value(module, 'x'))).toEqual(['QuantStub_output#0']);
    expect(uses(stub.output)).toEqual(['y#0']);
    lint(module);
  });

  test('by itself changes nothing', () => {
    const module = parse('y = Relu(x)');
    value(module, 'x').replaceAllUsesWith(value(module, 'x'));
    expect(uses(value(module, 'x'))).toEqual(['y#0']);
  });

  test('a replacement that not every reader can see is refused as a whole', () => {
    const module = parse(
      'y = If(c) <then_branch = b () => (u) { t = Relu(x) u = Relu(x) }> z = Neg(x)',
      'y, z',
    );
    const inner = op(module, 'y').subgraphs()[0]!.findValue('t')!;
    const before = uses(value(module, 'x')).sort();
    expect(() => value(module, 'x').replaceAllUsesWith(inner)).toThrow(
      expect.objectContaining({ code: 'GRAPH_FOREIGN_VALUE' }),
    );
    expect(uses(value(module, 'x')).sort()).toEqual(before);
    lint(module);
  });

  test('a replacement that is made later is left for lint to find', () => {
    const module = parse('t = Relu(x) u = Neg(t) y = Abs(x)', 'u, y');
    value(module, 't').replaceAllUsesWith(value(module, 'y'));
    expect(() => lint(module)).toThrow(
      expect.objectContaining({ code: 'GRAPH_INVALID', at: { graph: 'g', node: 'u', value: 'y' } }),
    );
    module.graph.insertBefore(op(module, 'u'), op(module, 'y'));
    lint(module);
  });
});

describe('insertBefore', () => {
  test('moves a node', () => {
    const module = parse('a = Relu(x) b = Neg(x) y = Abs(x)');
    module.graph.insertBefore(op(module, 'a'), op(module, 'y'));
    expect(order(module.graph)).toEqual(['x', 'c', 'w', 'y', 'a', 'b', 'output']);
    module.graph.insertBefore(module.graph.outputNode, op(module, 'y'));
    module.graph.insertBefore(module.graph.outputNode, op(module, 'y'));
    module.graph.insertBefore(op(module, 'y'), op(module, 'y'));
    expect(order(module.graph)).toEqual(['x', 'c', 'w', 'a', 'b', 'y', 'output']);
    lint(module);
  });

  test('a node of another graph is refused', () => {
    const module = parse('y = Relu(x)');
    const foreign = parse('z = Relu(x)', 'z');
    expect(() => module.graph.insertBefore(op(module, 'y'), op(foreign, 'z'))).toThrow(
      expect.objectContaining({ code: 'GRAPH_FOREIGN_NODE', at: { graph: 'g', node: 'z' } }),
    );
  });
});

describe('eraseNode', () => {
  test('releases inputs and name', () => {
    const module = parse('t = Relu(w) y = Neg(x)');
    const node = op(module, 't');
    module.graph.eraseNode(node);
    expect(uses(value(module, 'w'))).toEqual([]);
    expect(module.graph.findValue('t')).toBeUndefined();
    expect(module.graph.nodeCount).toBe(5);
    expect(node.erased).toBe(true);
    expect(() => node.graph).toThrow(expect.objectContaining({ code: 'GRAPH_NODE_ERASED' }));
    lint(module);
  });

  test('a node that is read, and the end of the graph, stay', () => {
    const module = parse('t = Relu(x) y = Neg(t)');
    const used = expect.objectContaining({ code: 'GRAPH_NODE_IN_USE', at: { node: 't', value: 't' } });
    expect(() => module.graph.eraseNode(op(module, 't'))).toThrow(used);
    expect(() => module.graph.eraseNode(module.graph.outputNode)).toThrow(
      expect.objectContaining({ code: 'GRAPH_NODE_IN_USE' }),
    );
    expect(() => module.graph.eraseNode(value(module, 'x').producer)).toThrow(
      expect.objectContaining({ code: 'GRAPH_NODE_IN_USE' }),
    );
    lint(module);
  });

  test('releases what its bodies read, at any depth', () => {
    const inner = 'v = If(c) <else_branch = d () => (q) { q = Add(t, w) }>';
    const module = parse(`t = Relu(x) u = If(c) <then_branch = b () => (v) { ${inner} }> y = Neg(x)`);
    const node = op(module, 'u');
    const [body] = node.subgraphs();
    module.graph.eraseNode(node);
    expect(uses(value(module, 't'))).toEqual([]);
    expect(uses(value(module, 'w'))).toEqual([]);
    expect(uses(value(module, 'c'))).toEqual([]);
    lint(module);
    expect(() =>
      module.graph.createOp({
        opType: 'If',
        inputs: [],
        attributes: { then_branch: { type: 'graph', value: body! } },
      }),
    ).toThrow(expect.objectContaining({ code: 'GRAPH_BODY_ERASED' }));
    lint(module);
  });

  test('an input of the graph can go', () => {
    const graph = new Graph();
    const [a, b] = [graph.placeholder('a'), graph.placeholder('b')];
    graph.eraseNode(b);
    graph.placeholder('d');
    graph.eraseNode(a);
    expect(graph.inputs.map(({ name }) => name)).toEqual(['d']);
    expect(order(graph)).toEqual(['d', 'output']);
  });

  test('a walk survives the erasure of any node', () => {
    const module = parse('a = Relu(x) b = Relu(x) d = Relu(x) e = Relu(x) y = Relu(x)');
    const seen: string[] = [];
    for (const node of module.graph.ops()) {
      seen.push(nodeName(node));
      if (nodeName(node) === 'a')
        for (const name of ['a', 'b', 'd']) module.graph.eraseNode(op(module, name));
    }
    expect(seen).toEqual(['a', 'e', 'y']);
    expect(order(module.graph)).toEqual(['x', 'c', 'w', 'e', 'y', 'output']);
  });
});

describe('eliminateDeadCode', () => {
  test('removes chains that end nowhere and initializers that nobody reads', () => {
    const module = parse('a = Relu(w) b = Neg(a) y = Abs(x)');
    expect(module.graph.eliminateDeadCode()).toBe(3);
    expect(order(module.graph)).toEqual(['x', 'c', 'y', 'output']);
    expect(module.graph.eliminateDeadCode()).toBe(0);
    lint(module);
  });

  test('keeps what only a body reads, and inputs of the graph', () => {
    const module = parse('t = Relu(w) y = If(c) <then_branch = b () => (u) { u = Neg(t) }>');
    expect(module.graph.eliminateDeadCode()).toBe(0);
  });

  test('keeps operators without results', () => {
    expect(parse('= Print(w) y = Relu(x)').graph.eliminateDeadCode()).toBe(0);
  });

  test('looks into bodies first, so that what only their dead nodes read goes too', () => {
    const module = parse('t = Relu(w) y = If(c) <then_branch = b () => (u) { d = Neg(t) u = Abs(x) }>');
    expect(module.graph.eliminateDeadCode()).toBe(3);
    expect(order(module.graph)).toEqual(['x', 'c', 'y', 'output']);
    lint(module);
  });

  test('removes a dead node with its bodies and what only they read', () => {
    const module = parse('t = Relu(w) d = If(c) <then_branch = b () => (u) { u = Neg(t) }> y = Abs(x)');
    expect(module.graph.eliminateDeadCode()).toBe(3);
    expect(order(module.graph)).toEqual(['x', 'c', 'y', 'output']);
    lint(module);
  });

  test('counts one used result as use of all', () => {
    const module = parse('a, y = Split(x)');
    expect(module.graph.eliminateDeadCode()).toBe(1);
    expect(op(module, 'y').outputs).toHaveLength(2);
  });
});

describe('names', () => {
  test('a renamed value is found by its new name only', () => {
    const module = parse('y = Relu(x)');
    const y = value(module, 'y');
    y.origin = {};
    module.graph.rename(y, 'z');
    expect(module.graph.findValue('y')).toBeUndefined();
    expect(module.graph.findValue('z')).toBe(y);
    expect(y.origin).toBeUndefined();
    expect(module.graph.freshName('z')).toBe('z_1');
    lint(module);
  });

  test('a value may take the name of one that is about to go', () => {
    const module = parse('t = Relu(x) y = Relu(t)');
    const [t, y] = [value(module, 't'), value(module, 'y')];
    y.replaceAllUsesWith(t);
    module.graph.rename(t, 'y');
    module.graph.eraseNode(y.producer);
    expect(module.graph.findValue('y')).toBe(t);
    lint(module);
  });

  test('a value of another graph is not renamed here', () => {
    const module = parse('y = Relu(x)');
    expect(() => new Graph().rename(value(module, 'y'), 'z')).toThrow(
      expect.objectContaining({ code: 'GRAPH_FOREIGN_NODE' }),
    );
  });

  test('a node is called by its name, else by its first named result, else by its type', () => {
    const names = [...parse('[n] y = Op(x) , b = Op(x) = Op(x)').graph.ops()].map(nodeName);
    expect(names).toEqual(['n', 'b', 'Op']);
  });

  test('a changed type drops what the file said of the value', () => {
    const y = value(parse('y = Relu(x)'), 'y');
    y.origin = {};
    y.type = { kind: 'other' };
    expect(y.origin).toBeUndefined();
    expect([y.dtype, y.shape]).toEqual([undefined, undefined]);
  });
});

describe('bodies', () => {
  test('know their place and their root', () => {
    const module = parse(
      'y = If(c) <then_branch = b () => (v) { v = If(c) <else_branch = d () => (x) {}> }>',
    );
    const [body] = op(module, 'y').subgraphs();
    const [inner] = [...body!.ops()][0]!.subgraphs();
    expect(inner!.parent?.attribute).toBe('else_branch');
    expect(inner!.root).toBe(module.graph);
    expect(module.graph.encloses(inner!)).toBe(true);
    expect(inner!.encloses(module.graph)).toBe(false);
    expect([...module.graph.allOps()].map(nodeName)).toEqual(['y', 'v']);
  });

  test('belong to one node only', () => {
    const module = parse('y = If(c) <then_branch = b () => (x) {}>');
    const attributes = op(module, 'y').attributes;
    const text = printGraph(module.graph);
    expect(() => module.graph.createOp({ opType: 'If', inputs: [value(module, 'c')], attributes })).toThrow(
      expect.objectContaining({ code: 'GRAPH_BODY_SHARED', at: { graph: 'b', node: 'If' } }),
    );
    expect(printGraph(module.graph)).toBe(text);
    lint(module);
  });

  test('that are replaced stop reading the values around them', () => {
    const module = parse(
      'y = If(c) <then_branch = b () => (t) { t = Neg(w) }, else_branch = d () => (x) {}>',
    );
    const node = op(module, 'y');
    node.attributes = node.attributes.with({ then_branch: undefined });
    expect(uses(value(module, 'w'))).toEqual([]);
    expect(uses(value(module, 'x'))).toEqual(['output#0']);
    lint(module);
  });

  test('stay when other attributes change', () => {
    const module = parse('y = If(c) <then_branch = b () => (t) { t = Neg(w) }>');
    const node = op(module, 'y');
    node.attributes = node.attributes.with({ note: 'x' });
    expect(uses(value(module, 'w'))).toEqual(['t#0']);
    lint(module);
  });
});

test('notes stay with the node and are not printed', () => {
  const module = parse('y = Relu(x)');
  const text = printGraph(module.graph);
  op(module, 'y').meta.set('note', 1);
  expect(printGraph(module.graph)).toBe(text);
});
