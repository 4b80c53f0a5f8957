import { type Graph, nodeName, type Value } from '@bitwright/graph';
import type { ReportModel } from './report-document.js';

/** A float graph as the report draws it: its operators and the values between them. */
export function describeGraph(graph: Graph): Pick<ReportModel, 'inputs' | 'outputs' | 'nodes' | 'values'> {
  const values = new Map<string, Value>();
  const flows = (value: Value | undefined): value is Value =>
    value !== undefined && value.producer.kind !== 'get_attr';
  const nodes: ReportModel['nodes'] = [];
  for (const node of graph.ops()) {
    const inputs = node.inputs.filter(flows);
    for (const value of [...inputs, ...node.outputs]) values.set(value.name, value);
    nodes.push({
      name: nodeName(node),
      opType: node.opType,
      ...(node.domain !== '' && { domain: node.domain }),
      inputs: inputs.map(({ name }) => name),
      outputs: node.outputs.map(({ name }) => name),
    });
  }
  return {
    inputs: graph.inputs.map(({ name }) => name),
    outputs: graph.outputs.map(({ name }) => name),
    nodes,
    values: [...values.values()].map(({ name, dtype, shape }) => ({
      name,
      ...(dtype !== undefined && { dtype }),
      ...(shape !== undefined && { shape: shape.map((dim) => dim ?? null) }),
    })),
  };
}
