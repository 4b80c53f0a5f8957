import type { Graph, GraphModule } from '@bitwright/graph';

/** Copies the structure of a module's graph (tensors are shared); the function it returns puts the copy in its place. */
export function backUp(module: GraphModule): () => void {
  const copy = module.clone().graph;
  copyNotes(module.graph, copy);
  return () => {
    module.graph = copy;
  };
}

/** Cloning leaves out the notes of passes; what is restored must still have them. */
function copyNotes(from: Graph, into: Graph): void {
  const pairs: [Graph, Graph][] = [[from, into]];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const copies = pair[1].nodes();
    for (const node of pair[0].nodes()) {
      const copy = copies.next().value!;
      for (const [key, note] of node.meta) copy.meta.set(key, note);
      if (node.kind !== 'op' || copy.kind !== 'op') continue;
      const bodies = copy.subgraphs();
      for (const [i, body] of node.subgraphs().entries()) pairs.push([body, bodies[i]!]);
    }
  }
}
