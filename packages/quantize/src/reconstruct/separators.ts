import type { Graph, OpNode, Value } from '@bitwright/graph';

/**
 * The values through which all data of a graph passes, in order: each dominates the end of the graph, and all of it that is
 * computed from the inputs passes it (Cooper, Harvey & Kennedy, A Simple, Fast Dominance Algorithm, on a graph without
 * cycles). Cut at one of them, a graph falls into two parts with a single tensor between.
 */
export function separators(graph: Graph): Value[] {
  const order = new Map<OpNode, number>();
  // the first stands for the inputs together
  const nodes: (OpNode | undefined)[] = [undefined];
  const above: number[] = [0];
  const moving = new Set<Value>(graph.inputs);
  const dominatorOf = (values: readonly (Value | undefined)[]): number => {
    let found: number | undefined;
    for (const value of values) {
      if (value === undefined || !moving.has(value)) continue;
      const node = value.producer.kind === 'op' ? order.get(value.producer)! : 0;
      found = found === undefined ? node : meet(above, found, node);
    }
    return found ?? 0;
  };
  for (const node of graph.ops()) {
    if (!node.inputs.some((value) => value !== undefined && moving.has(value))) continue;
    above.push(dominatorOf(node.inputs));
    order.set(node, nodes.length);
    nodes.push(node);
    for (const value of node.outputs) moving.add(value);
  }
  const chain: Value[] = [];
  for (let at = dominatorOf(graph.outputs); at !== 0; at = above[at]!) {
    const read = nodes[at]!.outputs.filter((value) => value.uses.size > 0);
    if (read.length === 1) chain.push(read[0]!);
  }
  const [input] = graph.inputs;
  if (graph.inputs.length === 1 && input !== undefined) chain.push(input);
  return chain.reverse();
}

/** The nearest common ancestor in the tree of dominators, whose numbers grow downwards. */
function meet(above: readonly number[], first: number, second: number): number {
  let [a, b] = [first, second];
  while (a !== b) {
    if (a > b) a = above[a]!;
    else b = above[b]!;
  }
  return a;
}
