import dagre from '@dagrejs/dagre';
import type { ReportModel } from './report-document.js';

/** Where a node is drawn, in units of about a pixel. */
export interface NodePlace {
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

const NODE = { width: 96, height: 26 };
// beyond, the layered layout takes too long; a graph of that size is read by search, not by eye
const LARGEST_LAYERED = 2500;

/** Lays a model's nodes out in layers from top to bottom (Gansner et al. 1993, by dagre); very large graphs in a plain column. */
export function layOutGraph({ nodes }: Pick<ReportModel, 'nodes'>): NodePlace[] {
  if (nodes.length > LARGEST_LAYERED) return nodes.map(({ name }, i) => ({ name, x: 0, y: 40 * i }));
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: 'TB', nodesep: 24, ranksep: 22 });
  graph.setDefaultEdgeLabel(() => ({}));
  // names are prefixed: graphlib keeps nodes in plain objects
  const makers = new Map<string, string>();
  for (const node of nodes) {
    graph.setNode(`n:${node.name}`, { ...NODE });
    for (const value of node.outputs) makers.set(value, node.name);
  }
  for (const node of nodes) {
    for (const value of node.inputs) {
      const maker = makers.get(value);
      if (maker !== undefined) graph.setEdge(`n:${maker}`, `n:${node.name}`);
    }
  }
  dagre.layout(graph);
  return nodes.map(({ name }) => {
    const { x, y } = graph.node(`n:${name}`);
    return { name, x: Math.round(x ?? 0), y: Math.round(y ?? 0) };
  });
}
