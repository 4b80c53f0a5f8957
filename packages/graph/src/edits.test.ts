import fc from 'fast-check';
import { expect, test } from 'vitest';
import { moduleArbitrary } from '../test/random-module.js';
import {
  connectedComponents,
  findCycle,
  Graph,
  GraphModule,
  lint,
  type Node,
  printGraph,
  type Value,
} from './index.js';

function graphsOfModule(module: GraphModule): Graph[] {
  const graphs = [module.graph];
  for (const node of module.graph.allOps()) graphs.push(...node.subgraphs());
  return graphs;
}

/** What a node may read: what is made before it, in its graph or around that. */
function readable(node: Node): Value[] {
  const values: Value[] = [];
  for (let at: Node | undefined = node; at !== undefined; at = at.graph.parent?.node) {
    for (let before = at.previous; before !== undefined; before = before.previous)
      values.push(...before.outputs.filter(({ name }) => name !== ''));
  }
  // A nearer value hides one of the same name.
  return values.filter((value, i) => values.findIndex(({ name }) => name === value.name) === i);
}

/** One edit at a node, chosen by numbers; false when it is not possible there. */
function edit(node: Node, kind: number, choice: number): void {
  const values = readable(node);
  const pick = values[choice % Math.max(1, values.length)];
  const own = node.outputs[0];
  switch (kind) {
    case 0:
      if (node.inputs.length > 0 && pick !== undefined) node.setInput(choice % node.inputs.length, pick);
      break;
    case 1:
      if (own !== undefined && pick !== undefined && pick.producer.graph === node.graph)
        own.replaceAllUsesWith(pick);
      break;
    case 2:
      if (node.kind !== 'output' && node.outputs.every(({ uses }) => uses.size === 0))
        node.graph.eraseNode(node);
      break;
    case 3:
      if (own !== undefined && own.name !== '') node.graph.rename(own, node.graph.freshName('renamed'));
      break;
    case 4:
      if (pick !== undefined) node.graph.createOp({ opType: 'New', inputs: [pick], before: node });
      break;
    case 5: {
      const { previous } = node;
      const free = previous?.kind === 'op' && previous.outputs.every(({ uses }) => uses.size === 0);
      if (free) node.graph.insertBefore(node.next ?? node, previous);
      break;
    }
    default:
      node.graph.eliminateDeadCode();
  }
}

test('any run of legal edits leaves a sound model', () => {
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(6), fc.nat()), { maxLength: 12 });
  fc.assert(
    fc.property(moduleArbitrary, edits, (module, steps) => {
      for (const [graphChoice, nodeChoice, kind, choice] of steps) {
        const graphs = graphsOfModule(module);
        const nodes = [...graphs[graphChoice % graphs.length]!.nodes()];
        edit(nodes[nodeChoice % nodes.length]!, kind, choice);
        lint(module);
      }
      expect(findCycle(module.graph)).toBeUndefined();
      lint(module.clone());
    }),
    { numRuns: 200 },
  );
});

/** Which nodes matter, by marking from the end until nothing changes. */
function liveNodes(module: GraphModule): Set<Node> {
  const live = new Set<Node>();
  const isLive = (node: Node): boolean =>
    node.kind === 'placeholder' ||
    node.kind === 'output' ||
    (node.kind === 'op' && node.outputs.length === 0) ||
    node.outputs.some((value) => [...value.uses].some((use) => live.has(use.node)));
  for (let before = -1; before !== live.size; ) {
    before = live.size;
    for (const graph of graphsOfModule(module)) {
      const holder = graph.parent?.node;
      if (holder !== undefined && !live.has(holder)) continue;
      for (const node of graph.nodes()) if (isLive(node)) live.add(node);
    }
  }
  return live;
}

test('dead code elimination removes exactly what does not matter', () => {
  fc.assert(
    fc.property(moduleArbitrary, (module) => {
      const live = liveNodes(module);
      module.graph.eliminateDeadCode();
      lint(module);
      const left = graphsOfModule(module).flatMap((graph) => [...graph.nodes()]);
      expect(new Set(left)).toEqual(live);
      expect(module.graph.eliminateDeadCode()).toBe(0);
    }),
    { numRuns: 200 },
  );
});

/** Milliseconds of processor time, in the better of two runs: a busy machine must not fail a test. */
function processorTime(run: () => void): number {
  const times = [1, 2].map(() => {
    const start = process.cpuUsage();
    run();
    return process.cpuUsage(start).user / 1000;
  });
  return Math.min(...times);
}

test('a chain of 100 000 nodes is walked, checked, cloned and cleared without recursion, and checked in a second', () => {
  const graph = new Graph('chain');
  let value = graph.placeholder('x').output;
  for (let i = 0; i < 100_000; i++) value = graph.createOp({ opType: 'Relu', inputs: [value] }).output;
  const module = new GraphModule(graph);
  graph.setOutputs([value]);
  expect(processorTime(() => lint(module))).toBeLessThan(1000);
  expect(findCycle(graph)).toBeUndefined();
  expect(connectedComponents(graph.nodes())).toHaveLength(1);
  expect(module.clone().graph.nodeCount).toBe(100_002);
  graph.setOutputs([]);
  expect(graph.eliminateDeadCode()).toBe(100_000);
  expect(printGraph(graph)).toBe('chain (x) => () {\n}\n');
});

test('a value that 30 000 nodes read twice is checked in a time that is not quadratic', () => {
  const graph = new Graph('star');
  const { output } = graph.placeholder('x');
  for (let i = 0; i < 30_000; i++) graph.createOp({ opType: 'Add', inputs: [output, output] });
  const module = new GraphModule(graph);
  expect(processorTime(() => lint(module))).toBeLessThan(1000);
});
