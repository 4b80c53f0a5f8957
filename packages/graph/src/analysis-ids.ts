import type { Graph } from './graph.js';
import type { Node } from './node.js';

/**
 * Ids of all nodes for analyses and drawings, bodies included: `n0`, `n1`, … in the order of the walk, an operator before
 * the nodes of its bodies. The prefix keeps any name of a model out of the keys of plain objects. The same graph always
 * gives the same ids.
 */
export function analysisIds(graph: Graph): ReadonlyMap<Node, string> {
  const ids = new Map<Node, string>();
  const walks = [graph.nodes()];
  for (let walk = walks.at(-1); walk !== undefined; walk = walks.at(-1)) {
    const step = walk.next();
    if (step.done === true) {
      walks.pop();
      continue;
    }
    ids.set(step.value, `n${ids.size}`);
    if (step.value.kind === 'op') {
      for (const body of step.value.subgraphs().toReversed()) walks.push(body.nodes());
    }
  }
  return ids;
}
