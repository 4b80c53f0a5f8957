/** A GraphProto with its nodes, and those of its bodies, in an order in which every value is made before it is read. */
export function sortGraph(graph) {
  const nodes = (graph.node ?? []).map(sortBodies);
  const makers = new Map(nodes.flatMap((node) => (node.output ?? []).map((name) => [name, node])));
  const sorted = [];
  const seen = new Set();
  const visit = (node) => {
    if (seen.has(node)) return;
    seen.add(node);
    for (const name of readsOf(node)) if (makers.has(name)) visit(makers.get(name));
    sorted.push(node);
  };
  for (const node of nodes) visit(node);
  return { ...graph, node: sorted };
}

function sortBodies(node) {
  const attribute = (node.attribute ?? []).map((entry) => ({
    ...entry,
    ...(entry.g && { g: sortGraph(entry.g) }),
    ...(entry.graphs && { graphs: entry.graphs.map(sortGraph) }),
  }));
  return { ...node, attribute };
}

/** What a node reads, in its bodies too. */
function readsOf(node) {
  const bodies = (node.attribute ?? []).flatMap(({ g, graphs = [] }) => (g ? [g, ...graphs] : graphs));
  return [...(node.input ?? []), ...bodies.flatMap((body) => (body.node ?? []).flatMap(readsOf))];
}
