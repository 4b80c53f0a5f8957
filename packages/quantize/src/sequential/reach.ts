import { type Graph, hasQParams, isQuantizer, type Node, type OpNode, type Value } from '@bitwright/graph';

/** How far the network can be run at present, and what must be kept for later. */
export interface Reach {
  /** Values that can be computed from the cut with the quantizers that are decided. */
  readonly known: ReadonlySet<Value>;
  /** Values that are read behind the reach: the next cut. Never the result of a quantizer: its input serves. */
  readonly needed: readonly Value[];
  /** Values that some decided activation quantizer has changed, so that the two networks differ. */
  readonly touched: ReadonlySet<Value>;
}

/** A quantizer is decided once it has scale and zero point. */
export function isDecided(node: OpNode): boolean {
  return hasQParams(node);
}

/** Walks the graph from a cut as far as decided quantizers let it. */
export function reachFrom(graph: Graph, cut: ReadonlySet<Value>, touchedBefore: ReadonlySet<Value>): Reach {
  const known = new Set(cut);
  const touched = new Set(touchedBefore);
  // the end of the network keeps nothing alive: what is to be decided there has a quantizer before it
  const done = new Set<Node>([graph.outputNode]);
  for (const node of graph.nodes()) {
    if (node.kind === 'get_attr') known.add(node.output);
    if (node.kind === 'op' && node.outputs.every((value) => cut.has(value))) done.add(node);
    if (node.kind !== 'op' || done.has(node)) continue;
    const reads = readsOf(node);
    if ((isQuantizer(node) && !isDecided(node)) || !reads.every((value) => known.has(value))) continue;
    done.add(node);
    const changes = isQuantizer(node) || reads.some((value) => touched.has(value));
    for (const value of node.outputs) {
      known.add(value);
      if (changes) touched.add(value);
    }
  }
  const needed = new Set<Value>();
  for (const value of known) {
    if (rootOf(value).producer.kind === 'get_attr') continue;
    if ([...value.uses].some((use) => !done.has(ownerIn(graph, use.node)))) needed.add(rootOf(value));
  }
  return { known, needed: [...needed], touched };
}

/** The value before a quantizer, for the value behind it; quantizing again costs less than keeping both. */
export function rootOf(value: Value): Value {
  const { producer } = value;
  return isQuantizer(producer) ? producer.inputs[0]! : value;
}

/** All values of its graph that a node reads, those that its bodies read included. */
export function readsOf(node: OpNode): Value[] {
  const reads = node.inputs.filter((value): value is Value => value !== undefined);
  for (const body of node.subgraphs()) {
    for (const inner of [...body.allOps(), body.outputNode]) {
      for (const value of inner.inputs) if (value?.producer.graph === node.graph) reads.push(value);
    }
  }
  return reads;
}

/** The node of this graph that a reader belongs to: itself, or the one whose body it stands in. */
function ownerIn(graph: Graph, node: Node): Node {
  let owner = node;
  while (owner.graph !== graph && owner.graph.parent !== undefined) owner = owner.graph.parent.node;
  return owner;
}
