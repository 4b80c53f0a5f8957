import { elementCount } from '@bitwright/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { moduleArbitrary } from '../test/random-module.js';
import {
  type GetAttrNode,
  type Graph,
  Interpreter,
  type Node,
  nodeName,
  type OpNode,
  parseModule,
  type Value,
} from './index.js';

/** Numbers, with the control flow that the tests need. */
class Calculator extends Interpreter<number> {
  readonly log: string[] = [];
  /** How many values are held at each node. */
  readonly held: number[] = [];

  constructor(
    readonly watched: readonly Value[] = [],
    keepValues = false,
  ) {
    super({ keepValues });
  }

  override runNode(node: Node): readonly (number | undefined)[] {
    this.log.push(nodeName(node));
    this.held.push(this.watched.filter((value) => this.valueOf(value) !== undefined).length);
    return super.runNode(node);
  }

  protected override getAttr(node: GetAttrNode): number {
    return Number(node.tensor.data()[0]);
  }

  protected override callOp(
    node: OpNode,
    inputs: readonly (number | undefined)[],
  ): readonly (number | undefined)[] {
    const [a = 0, b = 0] = inputs;
    switch (node.opType) {
      case 'Add':
        return [a + b];
      case 'DivMod':
        return [Math.floor(a / b), a % b];
      case 'If':
        return this.runBody(body(node, a !== 0 ? 'then_branch' : 'else_branch'), []);
      case 'Repeat': {
        let carried = b;
        for (let i = 0; i < a; i++) carried = this.runBody(body(node, 'body'), [i, carried])[0]!;
        return [carried];
      }
      default:
        return [];
    }
  }
}

function body(node: OpNode, name: string): Graph {
  const attr = node.attributes.get(name);
  if (attr?.type !== 'graph') throw new Error(`no body ${name}`);
  return attr.value;
}

const graphOf = (nodes: string, outputs = 'y'): Graph =>
  parseModule(`g (float x, float n) => (${outputs}) <float one = {1}> { ${nodes} }`).graph;

test('runs the nodes in order, each kind by its hook', () => {
  const calculator = new Calculator();
  expect(calculator.run(graphOf('t = Add(x, one) [add] y = Add(t, n)', 'y, t'), [10, 5])).toEqual([16, 11]);
  expect(calculator.log).toEqual(['x', 'n', 'one', 't', 'add', 'output']);
});

test('results left out and inputs left out', () => {
  const graph = graphOf(', r = DivMod(x, n) y = Add("", r)');
  expect(new Calculator().run(graph, [7, 4])).toEqual([3]);
});

test('bodies see the values around them and run as often as they are called', () => {
  const graph = graphOf(`
    two = Add(one, one)
    y = Repeat(n, x) <body = b (float i, float carried) => (next) {
      flag = Add(i, "")
      inc = If(flag) <then_branch = t () => (u) { u = Add(two, i) }, else_branch = e () => (two) {}>
      next = Add(carried, inc)
    }>`);
  // Steps add 2, 2 + 1, 2 + 2.
  expect(new Calculator().run(graph, [100, 3])).toEqual([109]);
  expect(new Calculator().run(graph, [100, 0])).toEqual([100]);
});

test('a value is dropped behind its last reader, a body counting as its node', () => {
  const graph = graphOf(`
    a = Add(x, one)
    b = If(one) <then_branch = t () => (u) { u = Add(a, one) v = Add(a, one) }>
    d = Add(b, b)
    y = Add(d, d)`);
  const watched = ['a', 'b', 'd'].map((name) => graph.findValue(name)!);
  const dropping = new Calculator(watched);
  expect(dropping.run(graph, [1, 0])).toEqual([12]);
  const heldAt = (calculator: Calculator) =>
    Object.fromEntries(calculator.log.map((name, i) => [name, calculator.held[i]]));
  expect(heldAt(dropping)).toMatchObject({ a: 0, u: 1, v: 1, d: 1, y: 1 });
  expect(watched.map((value) => dropping.valueOf(value))).toEqual([undefined, undefined, undefined]);
  const keeping = new Calculator(watched, true);
  expect(keeping.run(graph, [1, 0])).toEqual([12]);
  expect(heldAt(keeping)).toMatchObject({ a: 0, u: 1, v: 1, d: 2, y: 3 });
  expect(watched.map((value) => keeping.valueOf(value))).toEqual([2, 3, 6]);
});

test('an interpreter may run again, and over another graph', () => {
  const calculator = new Calculator([], true);
  expect(calculator.run(graphOf('y = Add(x, n)'), [1, 2])).toEqual([3]);
  expect(calculator.run(graphOf('y = Add(x, one)'), [1, 2])).toEqual([2]);
});

test('a wrong number of inputs names those of the graph', () => {
  expect(() => new Calculator().run(graphOf('y = Add(x, n)'), [1])).toThrow(
    expect.objectContaining({
      code: 'INTERPRETER_INPUTS',
      hint: expect.stringContaining('x, n'),
      at: { graph: 'g' },
    }),
  );
});

test('a result that is read and was not given is an error that names reader and value', () => {
  expect(() => new Calculator().run(graphOf('t = Strange(x) y = Add(t, n)'), [1, 2])).toThrow(
    expect.objectContaining({ code: 'INTERPRETER_VALUE_ABSENT', at: { graph: 'g', node: 'y', value: 't' } }),
  );
});

/** Sums of sizes, to run anything. */
class Sizes extends Interpreter<number> {
  steps = 0;

  protected override getAttr(node: GetAttrNode): number {
    return elementCount(node.tensor.dims);
  }

  protected override callOp(node: OpNode, inputs: readonly (number | undefined)[]): readonly number[] {
    let sum = ++this.steps;
    for (const input of inputs) sum += input ?? 0;
    for (const inner of node.subgraphs()) {
      for (const result of this.runBody(
        inner,
        inner.inputs.map(() => 1),
      ))
        sum += result;
    }
    return node.outputs.map((_, i) => sum + i);
  }
}

test('dropping values early changes no result', () => {
  fc.assert(
    fc.property(moduleArbitrary, ({ graph }) => {
      const inputs = graph.inputs.map((_, i) => i + 1);
      const dropping = new Sizes();
      const results = dropping.run(graph, inputs);
      expect(results).toEqual(new Sizes({ keepValues: true }).run(graph, inputs));
      expect(results).toHaveLength(graph.outputs.length);
      for (const node of graph.nodes())
        for (const value of node.outputs) expect(dropping.valueOf(value)).toBeUndefined();
    }),
    { numRuns: 100 },
  );
});
