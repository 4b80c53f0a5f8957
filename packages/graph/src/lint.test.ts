import { describe, expect, test } from 'vitest';
import { Graph, GraphModule, lint, type OpNode, parseModule, Value } from './index.js';
import { nodeInternals, OpNode as OpNodeClass, PlaceholderNode } from './node.js';

const parse = (nodes: string, outputs = 'y'): GraphModule =>
  parseModule(`g (float x, bool c) => (${outputs}) <float w = {1}> { ${nodes} }`);
const value = (module: GraphModule, name: string): Value => module.graph.findValue(name)!;
const op = (module: GraphModule, name: string): OpNode => value(module, name).producer as OpNode;

function expectInvalid(module: GraphModule, node: string, why: RegExp): void {
  let caught: unknown;
  try {
    lint(module, 'my-pass');
  } catch (thrown) {
    caught = thrown;
  }
  expect(caught).toMatchObject({
    code: 'GRAPH_INVALID',
    message: expect.stringMatching(why),
    at: { node },
  });
  expect(caught).toMatchObject({ message: expect.stringContaining("After 'my-pass'") });
}

test('a sound model passes', () => {
  lint(parse('t = Relu(x) y = If(c) <then_branch = b (float i) => (u) { u = Add(t, i) }>'));
  lint(new GraphModule());
});

describe('order', () => {
  test('a value that is read before it is made', () => {
    const module = parse('t = Relu(x) y = Neg(t)');
    module.graph.insertBefore(op(module, 't'), op(module, 'y'));
    expectInvalid(module, 'y', /reads 't' before that is made\./);
  });

  test('a circle is named', () => {
    const module = parse('a = Add(x, w) b = Relu(a) d = Neg(b) y = Abs(d)');
    op(module, 'a').setInput(1, value(module, 'd'));
    expectInvalid(
      module,
      'a',
      /reads 'd' before that is made \(the nodes a -> b -> d -> a wait for each other\)/,
    );
  });

  test('a circle through a body is named', () => {
    const module = parse('a = Relu(x) y = If(c) <then_branch = b () => (u) { u = Neg(a) }>');
    op(module, 'a').setInput(0, value(module, 'y'));
    expectInvalid(module, 'a', /the nodes y -> a -> y wait/);
  });

  test('a body that reads the result of its own node', () => {
    const module = parse('y = If(c) <then_branch = b () => (u) { u = Neg(x) }>');
    const inner = [...op(module, 'y').subgraphs()[0]!.ops()][0]!;
    inner.setInput(0, value(module, 'y'));
    expectInvalid(module, 'u', /reads 'y' before that is made \(the nodes y -> y wait/);
  });

  test('a value of a body that was walked is not seen after it', () => {
    const module = parse('y = If(c) <then_branch = b () => (u) { u = Neg(x) }> z = Neg(x)');
    const inner = op(module, 'y').subgraphs()[0]!.findValue('u')!;
    const reader = op(module, 'z');
    reader.setInput(0, undefined);
    // Through the method this is refused: the damage is done by hand.
    (reader.inputs as (Value | undefined)[])[0] = inner;
    expectInvalid(module, 'z', /reads 'u' before that is made/);
  });
});

describe('use lists', () => {
  test('one that misses a reader', () => {
    const module = parse('y = Neg(x)');
    Value.internals.removeUse(value(module, 'x'), nodeInternals.useAt(op(module, 'y'), 0)!);
    expectInvalid(module, 'y', /use list of 'x' misses it/);
  });

  test('one with an entry that is stale', () => {
    const module = parse('y = Neg(x) z = Neg(w)');
    Value.internals.addUse(value(module, 'x'), { node: op(module, 'z'), index: 0 });
    expectInvalid(module, 'x', /stale/);
  });

  test('one with an entry twice', () => {
    const module = parse('y = Neg(x)');
    Value.internals.addUse(value(module, 'x'), { node: op(module, 'y'), index: 0 });
    expectInvalid(module, 'x', /stale/);
  });

  test('a reader that stands outside of the model', () => {
    const module = parse('y = Neg(x)');
    new OpNodeClass(module.graph, 'Ghost', '', 'ghost').setInput(0, value(module, 'x'));
    expectInvalid(module, 'x', /read by 'ghost', which stands outside/);
  });

  test('a body that was begun and never given to its node', () => {
    const module = parse('y = Neg(x)');
    const body = new Graph();
    body.adoptInto(op(module, 'y'), 'then_branch');
    body.createOp({ opType: 'Relu', inputs: [value(module, 'x')], name: 'lost' });
    expectInvalid(module, 'x', /read by 'lost'/);
  });
});

describe('names', () => {
  test.each([
    ['t', 'y'],
    ['y', 't'],
  ])('two values of one name: %s is called %s', (from, to) => {
    const module = parse('t = Relu(x) y = Neg(t)');
    module.graph.rename(value(module, from), to);
    expectInvalid(module, to, new RegExp(`'${to}' is a name of two values`));
  });

  test('a value that its name does not lead to', () => {
    const module = parse('t = Relu(x) y = Neg(t)');
    module.graph.rename(value(module, 'y'), 't');
    module.graph.rename(value(module, 't'), 'z');
    expectInvalid(module, 't', /not found by its name/);
  });

  test('a value that is read and has no name', () => {
    const module = parse('t = Relu(x) y = Neg(t)');
    module.graph.rename(value(module, 't'), '');
    expectInvalid(module, 'y', /input 0 has no name/);
  });

  test('a value that another of the same name hides from a body', () => {
    const module = parse('y = If(c) <then_branch = b () => (u) { u = Neg(x) }>');
    const body = op(module, 'y').subgraphs()[0]!;
    body.placeholder('x');
    expectInvalid(module, 'u', /hides the name 'x'/);
  });
});

describe('structure', () => {
  test('a result that names another producer', () => {
    const module = parse('y = Neg(x) z = Abs(x)');
    nodeInternals.addOutput(op(module, 'z'), value(module, 'y'));
    expectInvalid(module, 'z', /names another producer/);
  });

  test('a count that is off', () => {
    const module = parse('t = Neg(x) y = Abs(x)');
    const lost = op(module, 't');
    lost.setInput(0, undefined);
    lost.previous!.next = lost.next;
    lost.next!.previous = lost.previous;
    expectInvalid(module, 'output', /node count/);
  });

  test('a link back that is wrong', () => {
    const module = parse('y = Neg(x)');
    op(module, 'y').previous = undefined;
    expectInvalid(module, 'y', /link to the node before/);
  });

  test('a list that breaks off', () => {
    const module = parse('t = Neg(x) y = Abs(x)');
    op(module, 't').next = undefined;
    expectInvalid(module, 'output', /does not end with its output node/);
  });

  test('a node that was erased and still stands there', () => {
    const module = parse('t = Neg(x) y = Abs(x)');
    const node = op(module, 't');
    const walk = module.graph.nodes.bind(module.graph);
    nodeInternals.detach(node);
    // The graph's own walk steps over erased nodes: only a broken one would meet it.
    module.graph.nodes = function* () {
      for (const each of walk()) {
        if (each.previous === node) yield node;
        yield each;
      }
    };
    expectInvalid(module, 't', /was erased and still stands/);
  });

  test('a node of another graph', () => {
    const module = parse('y = Neg(x)');
    op(module, 'y').next = op(parse('z = Neg(x)', 'z'), 'z');
    expectInvalid(module, 'z', /belongs to another graph/);
  });

  test('an input that is not listed', () => {
    const module = parse('y = Neg(x)');
    const stray = new PlaceholderNode(module.graph);
    nodeInternals.addOutput(stray, new Value(stray, 0, ''));
    const { outputNode } = module.graph;
    [stray.previous, stray.next] = [outputNode.previous, outputNode];
    outputNode.previous!.next = stray;
    outputNode.previous = stray;
    expectInvalid(module, '', /not listed as an input/);
  });

  test('an input that is listed and stands nowhere', () => {
    const module = parse('y = Neg(x)');
    const { producer } = value(module, 'c');
    producer.previous!.next = producer.next;
    producer.next!.previous = producer.previous;
    expectInvalid(module, 'output', /'c' stands nowhere/);
  });

  test('an output that is left out', () => {
    const module = parse('y = Neg(x)', 'x, y');
    module.graph.outputNode.setInput(0, undefined);
    expectInvalid(module, 'output', /output 0 is left out/);
  });

  test('a body that stands in two places', () => {
    const module = parse('y = If(c) <then_branch = b () => (x) {}>');
    const node = op(module, 'y');
    node.attributes = node.attributes.with({ else_branch: node.attributes.get('then_branch') });
    expectInvalid(module, 'y', /'then_branch' belongs to another place/);
  });

  test('a body given out as a main graph', () => {
    const module = parse('y = If(c) <then_branch = b () => (x) {}>');
    expectInvalid(new GraphModule(op(module, 'y').subgraphs()[0]!), 'output', /is the body of a node/);
  });
});

test('without a pass the message says what is so', () => {
  const module = parse('t = Relu(x) y = Neg(t)');
  module.graph.insertBefore(op(module, 't'), op(module, 'y'));
  expect(() => lint(module)).toThrow(/^The graph is not valid at node 'y'/);
});
