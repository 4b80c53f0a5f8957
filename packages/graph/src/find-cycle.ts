import type { Graph } from './graph.js';
import { type Node, nodeName } from './node.js';

/**
 * A circle of nodes in which each reads a result of the one before, as a broken edit leaves it behind; undefined when
 * there is none. A body's reads count as reads of the operator that holds it. Bodies are searched too. O(nodes + uses).
 *
 * @returns the nodes in the direction of the data; the last is read by the first.
 */
export function findCycle(graph: Graph): readonly Node[] | undefined {
  const graphs: Graph[] = [graph];
  for (let next = graphs.pop(); next !== undefined; next = graphs.pop()) {
    const cycle = cycleOfLevel(next);
    if (cycle !== undefined) return cycle;
    for (const node of next.ops()) graphs.push(...node.subgraphs());
  }
  return undefined;
}

/** The circle as a text for messages: `a -> b -> a`. */
export function describeCycle(cycle: readonly Node[]): string {
  return [...cycle, ...cycle.slice(0, 1)].map((node) => nodeName(node)).join(' -> ');
}

/** The node of `graph` that a node stands in: itself, or the operator whose body holds it at any depth. */
export function liftInto(graph: Graph, node: Node): Node | undefined {
  let at: Node | undefined = node;
  while (at !== undefined && at.graph !== graph) at = at.graph.parent?.node;
  return at;
}

function* readersOf(node: Node, graph: Graph): Generator<Node, undefined> {
  for (const value of node.outputs) {
    for (const use of value.uses) {
      const reader = use.node.erased ? undefined : liftInto(graph, use.node);
      if (reader !== undefined) yield reader;
    }
  }
}

function cycleOfLevel(graph: Graph): readonly Node[] | undefined {
  const done = new Set<Node>();
  const depthOf = new Map<Node, number>();
  for (const start of graph.nodes()) {
    if (done.has(start)) continue;
    const path: { readonly node: Node; readonly readers: Generator<Node, undefined> }[] = [];
    const enter = (node: Node): void => {
      depthOf.set(node, path.length);
      path.push({ node, readers: readersOf(node, graph) });
    };
    enter(start);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const reader = top.readers.next().value;
      if (reader === undefined) {
        path.pop();
        depthOf.delete(top.node);
        done.add(top.node);
        continue;
      }
      const depth = depthOf.get(reader);
      if (depth !== undefined) return path.slice(depth).map(({ node }) => node);
      if (!done.has(reader)) enter(reader);
    }
  }
  return undefined;
}
