import type { Graph as GraphlibGraph } from '@dagrejs/graphlib';
import type { Graph } from './graph.js';

/** What the analysis view says of a node; plain data. */
export interface AnalysisNode {
  readonly kind: 'placeholder' | 'get_attr' | 'op' | 'output';
  /** How the node is called in messages. */
  readonly name: string;
  /** What it is, for people: an operator's type with its domain, or the type of an input or initializer. */
  readonly label: string;
}

/** What the analysis view says of an edge: the value that flows, and the input of the reader that it enters. */
export interface AnalysisEdge {
  readonly value: string;
  readonly input: number;
}

/** What the analysis view says of the whole graph. */
export interface AnalysisLabel {
  readonly name: string;
}

/** A graphlib graph: directed, several edges between two nodes, nodes of a body under the operator that holds it. */
export type AnalysisGraph = GraphlibGraph<AnalysisLabel, AnalysisNode, AnalysisEdge>;

/** The JSON form of the analysis view, as graphlib's `json.read` takes it. */
export type AnalysisJson = ReturnType<typeof import('@dagrejs/graphlib').json.write>;

/**
 * A snapshot of a graph for graphlib's algorithms (paths, dominators, drawings); node ids are those of `analysisIds`.
 * graphlib is loaded on the first call. Its walks are recursive: beyond some thousand nodes in a chain use `findCycle`
 * and `connectedComponents`, which are not.
 */
export async function analysisGraph(graph: Graph): Promise<AnalysisGraph> {
  const { buildAnalysisGraph } = await import('./graphlib-view.js');
  return buildAnalysisGraph(graph);
}

/** The analysis view as JSON, for other tools. */
export async function toJSON(graph: Graph): Promise<AnalysisJson> {
  const { analysisJson } = await import('./graphlib-view.js');
  return analysisJson(graph);
}
