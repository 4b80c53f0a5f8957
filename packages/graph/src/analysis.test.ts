import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { alg, json } from '@dagrejs/graphlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { moduleArbitrary } from '../test/random-module.js';
import {
  analysisGraph,
  analysisIds,
  connectedComponents,
  describeCycle,
  findCycle,
  Graph,
  type Node,
  nodeName,
  parseModule,
  toDot,
  toJSON,
} from './index.js';

const withBody = parseModule(`g (float x, bool c) => (y) <float w = {1}> {
  t = my.dom.Relu(x)
  y = If(c) <then_branch = b () => (u) { u = Add(t, t) }, else_branch = d () => (w) {}>
  [__proto__] constructor = Neg(w)
}`).graph;

/** Operators wired at random, circles included. */
const wired: fc.Arbitrary<Graph> = fc
  .array(fc.array(fc.nat(), { maxLength: 2 }), { minLength: 1, maxLength: 9 })
  .map((reads) => {
    const graph = new Graph('wired');
    const nodes = reads.map(() => graph.createOp({ opType: 'Op', inputs: [] }));
    for (const [i, choices] of reads.entries())
      for (const [k, choice] of choices.entries())
        nodes[i]!.setInput(k, nodes[choice % nodes.length]!.output);
    return graph;
  });

test('ids are the same each time, an operator ahead of the nodes in its bodies', () => {
  const ids = [...analysisIds(withBody)].map(([node, id]) => `${id}:${nodeName(node)}`);
  expect(ids).toEqual(
    ['x', 'c', 'w', 't', 'y', 'u', 'output', 'output', '__proto__', 'output'].map(
      (name, i) => `n${i}:${name}`,
    ),
  );
  expect([...analysisIds(withBody).values()]).toEqual([...analysisIds(withBody).values()]);
});

test('the view holds every node, every read and the nesting', async () => {
  const view = await analysisGraph(withBody);
  expect(view.graph()).toEqual({ name: 'g' });
  expect(view.node('n3')).toEqual({ kind: 'op', name: 't', label: 'my.dom.Relu' });
  expect(view.node('n0')).toEqual({ kind: 'placeholder', name: 'x', label: 'float' });
  expect(view.node('n2')).toEqual({ kind: 'get_attr', name: 'w', label: 'float' });
  expect(view.node('n8')).toEqual({ kind: 'op', name: '__proto__', label: 'Neg' });
  expect(view.children('n4')).toEqual(['n5', 'n6', 'n7']);
  expect(view.nodeEdges('n3')).toHaveLength(3);
  expect(view.edge({ v: 'n3', w: 'n5', name: '1' })).toEqual({ value: 't', input: 1 });
});

test('the view has an edge for each read, whatever the model', async () => {
  await fc.assert(
    fc.asyncProperty(moduleArbitrary, async ({ graph }) => {
      const view = await analysisGraph(graph);
      const ids = analysisIds(graph);
      expect(view.nodeCount()).toBe(ids.size);
      let reads = 0;
      for (const node of ids.keys()) reads += node.inputs.filter((value) => value !== undefined).length;
      expect(view.edgeCount()).toBe(reads);
      const restored = json.read(JSON.parse(JSON.stringify(await toJSON(graph))));
      expect([restored.nodeCount(), restored.edgeCount()]).toEqual([view.nodeCount(), view.edgeCount()]);
    }),
    { numRuns: 50 },
  );
});

test('a body by itself is viewed without what is around it', async () => {
  const body = [...withBody.ops()][1]!.subgraphs()[0]!;
  const view = await analysisGraph(body);
  expect([view.nodeCount(), view.edgeCount()]).toEqual([2, 1]);
  expect(toDot(body)).toContain('n0 -> n1');
});

test('a circle is found exactly where graphlib sees one, and it is one', async () => {
  await fc.assert(
    fc.asyncProperty(wired, async (graph) => {
      const cycle = findCycle(graph);
      const strong = alg.findCycles((await analysisGraph(graph)) as never);
      expect(cycle !== undefined).toBe(strong.length > 0);
      for (const [i, node] of (cycle ?? []).entries()) {
        const next = cycle![(i + 1) % cycle!.length]!;
        expect(next.inputs.some((value) => value?.producer === node)).toBe(true);
      }
      expect(new Set(cycle).size).toBe(cycle?.length ?? 0);
    }),
    { numRuns: 200 },
  );
});

test('a circle inside a body is found, and sound models have none', () => {
  const graph = parseModule(`g (bool c) => (y) {
    y = If(c) <then_branch = b () => (u) { t = Relu(c) u = Neg(t) }>
  }`).graph;
  expect(findCycle(graph)).toBeUndefined();
  const body = [...graph.ops()][0]!.subgraphs()[0]!;
  body.findValue('t')!.producer.setInput(0, body.findValue('u'));
  expect(describeCycle(findCycle(graph)!)).toBe('t -> u -> t');
  fc.assert(
    fc.property(moduleArbitrary, (module) => {
      expect(findCycle(module.graph)).toBeUndefined();
    }),
    { numRuns: 50 },
  );
});

test('components of a subset are those of graphlib', async () => {
  await fc.assert(
    fc.asyncProperty(wired, fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }), async (graph, kept) => {
      const subset: Node[] = [...graph.ops()].filter((_, i) => kept[i]);
      const ids = analysisIds(graph);
      const view = await analysisGraph(graph);
      for (const [node, id] of ids) if (!subset.includes(node)) view.removeNode(id);
      const sorted = (groups: readonly (readonly string[])[]) =>
        groups.map((group) => [...group].sort()).sort();
      const ours = connectedComponents(subset).map((group) => group.map((node) => ids.get(node)!));
      expect(sorted(ours)).toEqual(sorted(alg.components(view as never)));
      expect(ours.flat().length).toBe(subset.length);
    }),
    { numRuns: 200 },
  );
});

test('components keep the order of the subset, and a read inside a body joins its operator', () => {
  const find = (name: string): Node => withBody.findValue(name)!.producer;
  const groups = connectedComponents([find('constructor'), find('y'), find('t')]);
  expect(groups.map((group) => group.map(nodeName))).toEqual([['__proto__'], ['y', 't']]);
  // What two nodes read in common does not join them while it is left out.
  expect(connectedComponents([find('y'), find('constructor')])).toHaveLength(2);
  expect(connectedComponents([find('y'), find('constructor'), find('w')])).toHaveLength(1);
});

test('a drawing names nodes and values and nests bodies', () => {
  const dot = toDot(withBody);
  expect(dot).toContain('n3 [shape=box, label="my.dom.Relu"];');
  expect(dot).toContain('subgraph cluster_n4_0 {\n    label="y: then_branch";\n    n5 [');
  expect(dot).toContain('n3 -> n5 [label="t"];');
  expect(dot.split('{').length).toBe(dot.split('}').length);
  const strange = parseModule('"a\\"\\\\b" (float "q\\"") => () {}').graph;
  expect(toDot(strange)).toContain('digraph "a\\"\\\\b" {');
  expect(toDot(strange)).toContain('label="q\\""');
});

test('graphlib and ts-pattern are loaded by the analysis view only', () => {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  const heavy = /^import (?!type\b)[^;]*from '(@dagrejs\/graphlib|ts-pattern)'/m;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const sources = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  expect(sources.filter((file) => heavy.test(readFileSync(`${folder}/${file}`, 'utf8')))).toEqual([
    'graphlib-view.ts',
  ]);
  const eager = sources.filter((file) =>
    /from '\.\/graphlib-view\.js'/.test(readFileSync(`${folder}/${file}`, 'utf8')),
  );
  expect(eager).toEqual([]);
});
