import type { Graph, OpNode } from '@bitwright/graph';
import { hasWeights } from './operand-roles.js';

/** Where an operator stands among the layers with constant weights. */
export interface LayerPosition {
  /** The most layers with weights on a way from the inputs to it, itself among them; 0 before the first. */
  readonly depth: number;
  /** True for the first and for the last layer with weights, in the graph's order. */
  readonly first: boolean;
  readonly last: boolean;
}

/** The positions of a graph's operators. */
export interface LayerPositions {
  readonly depth: number;
  of(node: OpNode): LayerPosition;
}

/** Finds first, last and depth of every operator of a graph. */
export function layerPositions(graph: Graph): LayerPositions {
  const depths = new Map<OpNode, number>();
  const weighted: OpNode[] = [];
  let deepest = 0;
  for (const node of graph.ops()) {
    let depth = 0;
    for (const value of node.inputs) {
      const producer = value?.producer;
      if (producer?.kind === 'op') depth = Math.max(depth, depths.get(producer) ?? 0);
    }
    if (hasWeights(node)) {
      weighted.push(node);
      depth++;
    }
    depths.set(node, depth);
    deepest = Math.max(deepest, depth);
  }
  const [first, last] = [weighted[0], weighted.at(-1)];
  return {
    depth: deepest,
    of: (node) => ({ depth: depths.get(node) ?? 0, first: node === first, last: node === last }),
  };
}

/** A range of depths as it is written: `1`, `2..4`, `..3`, `5..`, and from the end `-1`, `-3..-1`. */
export interface DepthRange {
  contains(depth: number, deepest: number): boolean;
}

/** Reads a range of depths; undefined for a text that is none. */
export function parseDepthRange(text: string): DepthRange | undefined {
  const match = /^(-?\d+)?(\.\.)?(-?\d+)?$/.exec(text.trim());
  const [, from, dots, to] = match ?? [];
  if ((from ?? to) === undefined) return undefined;
  const place = (end: string | undefined, open: number, deepest: number): number => {
    if (end === undefined) return open;
    return end.startsWith('-') ? deepest + 1 + Number(end) : Number(end);
  };
  return {
    contains(depth, deepest) {
      if (depth < 1) return false;
      const low = place(from, 1, deepest);
      return depth >= low && depth <= (dots === undefined ? low : place(to, deepest, deepest));
    },
  };
}
