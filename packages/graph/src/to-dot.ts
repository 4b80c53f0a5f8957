import { analysisIds } from './analysis-ids.js';
import type { Graph } from './graph.js';
import { type Node, nodeName, type OpNode } from './node.js';

/**
 * A drawing of a graph in Graphviz' DOT language: inputs and outputs as ellipses, initializers as notes, operators as
 * boxes, bodies as clusters inside, edges with the names of the values.
 */
export function toDot(graph: Graph): string {
  const ids = analysisIds(graph);
  const lines = [`digraph ${quote(graph.name)} {`, '  node [fontsize=10];', '  edge [fontsize=8];'];
  nodeLines(graph, ids, '  ', lines);
  for (const [node, id] of ids) {
    for (const value of node.inputs) {
      const from = value === undefined ? undefined : ids.get(value.producer);
      if (value !== undefined && from !== undefined)
        lines.push(`  ${from} -> ${id} [label=${quote(value.name)}];`);
    }
  }
  lines.push('}', '');
  return lines.join('\n');
}

function nodeLines(graph: Graph, ids: ReadonlyMap<Node, string>, indent: string, lines: string[]): void {
  for (const node of graph.nodes()) {
    lines.push(`${indent}${ids.get(node)} [shape=${shapeOf(node)}, label=${quote(labelOf(node))}];`);
    if (node.kind !== 'op') continue;
    for (const [i, body] of node.subgraphs().entries()) {
      lines.push(`${indent}subgraph cluster_${ids.get(node)}_${i} {`);
      lines.push(`${indent}  label=${quote(`${nodeName(node)}: ${body.parent?.attribute ?? ''}`)};`);
      nodeLines(body, ids, `${indent}  `, lines);
      lines.push(`${indent}}`);
    }
  }
}

function shapeOf(node: Node): string {
  if (node.kind === 'op') return 'box';
  return node.kind === 'get_attr' ? 'note' : 'ellipse';
}

function labelOf(node: Node): string {
  return node.kind === 'op' ? opLabel(node) : nodeName(node);
}

function opLabel(node: OpNode): string {
  const type = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`;
  return node.name === '' ? type : `${node.name}\n${type}`;
}

function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
