import type { Node } from './node.js';

/**
 * Splits some nodes into groups that hang together: two nodes do when one reads a result of the other, directly or from
 * inside a body that it holds. A neighbour outside the subset joins nothing. O(nodes + uses).
 *
 * @returns groups and their members in the order of `nodes`.
 */
export function connectedComponents(nodes: Iterable<Node>): Node[][] {
  const parent = new Map<Node, Node>();
  for (const node of nodes) parent.set(node, node);
  const rootOf = (node: Node): Node => {
    let at = node;
    for (let up = parent.get(at)!; up !== at; up = parent.get(at)!) {
      parent.set(at, parent.get(up)!);
      at = up;
    }
    return at;
  };
  for (const node of parent.keys()) {
    for (const value of node.outputs) {
      for (const use of value.uses) {
        let reader: Node | undefined = use.node;
        while (reader !== undefined) {
          if (parent.has(reader)) parent.set(rootOf(reader), rootOf(node));
          reader = reader.graph === node.graph ? undefined : reader.graph.parent?.node;
        }
      }
    }
  }
  const groups = new Map<Node, Node[]>();
  for (const node of parent.keys()) {
    const root = rootOf(node);
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [node]);
    else group.push(node);
  }
  return [...groups.values()];
}
