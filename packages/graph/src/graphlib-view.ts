import { Graph as GraphlibGraph, json } from '@dagrejs/graphlib';
import { match } from 'ts-pattern';
import type {
  AnalysisEdge,
  AnalysisGraph,
  AnalysisJson,
  AnalysisLabel,
  AnalysisNode,
} from './analysis-graph.js';
import { analysisIds } from './analysis-ids.js';
import type { Graph } from './graph.js';
import { type Node, nodeName } from './node.js';
import { printType } from './text/print-type.js';

/** Builds the analysis view. This file is loaded on demand only: graphlib and ts-pattern cost more start-up time than all the rest. */
export function buildAnalysisGraph(graph: Graph): AnalysisGraph {
  const view = new GraphlibGraph<AnalysisLabel, AnalysisNode, AnalysisEdge>({
    directed: true,
    multigraph: true,
    compound: true,
  });
  view.setGraph({ name: graph.name });
  const ids = analysisIds(graph);
  for (const [node, id] of ids) {
    view.setNode(id, describeNode(node));
    const holder = node.graph === graph ? undefined : node.graph.parent?.node;
    if (holder !== undefined) view.setParent(id, ids.get(holder)!);
  }
  for (const [node, id] of ids) {
    for (const [input, value] of node.inputs.entries()) {
      // A body that is looked at by itself reads values that are not in the view.
      const from = value === undefined ? undefined : ids.get(value.producer);
      if (value !== undefined && from !== undefined)
        view.setEdge({ v: from, w: id, name: `${input}` }, { value: value.name, input });
    }
  }
  return view;
}

/** The JSON form of the view; its node and edge labels are plain data already. */
export function analysisJson(graph: Graph): AnalysisJson {
  return json.write(buildAnalysisGraph(graph) as unknown as GraphlibGraph);
}

function describeNode(node: Node): AnalysisNode {
  const label = match(node)
    .with({ kind: 'op' }, ({ domain, opType }) => (domain === '' ? opType : `${domain}.${opType}`))
    .with({ kind: 'placeholder' }, { kind: 'get_attr' }, ({ output }) => printType(output.type))
    .with({ kind: 'output' }, () => 'output')
    .exhaustive();
  return { kind: node.kind, name: nodeName(node), label };
}
