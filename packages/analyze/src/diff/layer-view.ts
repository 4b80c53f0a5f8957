import type { QParams } from '@bitwright/core';
import {
  BITWRIGHT_DOMAIN,
  constantTensor,
  type Graph,
  hasQParams,
  isQuantizer,
  type Node,
  nodeName,
  type OpNode,
  QuantizedTensor,
  type QuantSpec,
  qparamsOf,
  type Value,
} from '@bitwright/graph';

/** A grid with its parameters. */
export type Grid = QParams & QuantSpec;

/** What quantization there is at one operator of a quantized graph. */
export interface LayerView {
  readonly name: string;
  readonly opType: string;
  readonly input?: Grid;
  readonly weights?: Grid & { readonly codes?: Int32Array };
  readonly bias?: Grid;
  readonly output?: Grid;
}

/** The operators of a quantized graph in the private dialect (or of a float one), in order, each with its grids. */
export function layerViews(graph: Graph): LayerView[] {
  const views: LayerView[] = [];
  for (const node of graph.ops()) {
    if (node.domain === BITWRIGHT_DOMAIN) continue;
    const found: { input?: Grid; weights?: NonNullable<LayerView['weights']>; bias?: Grid } = {};
    for (const value of node.inputs) {
      const grid = gridOf(value);
      if (grid === undefined) continue;
      if (grid.role === 'activation') found.input ??= grid;
      else if (grid.role === 'bias') found.bias = grid;
      else found.weights = withCodes(value!.producer as OpNode, grid);
    }
    const output = outputGrid(node);
    views.push({ name: nodeName(node), opType: node.opType, ...found, ...(output && { output }) });
  }
  return views;
}

function gridOf(value: Value | undefined): Grid | undefined {
  const producer = value?.producer;
  return isQuantizer(producer) && hasQParams(producer) ? qparamsOf(producer) : undefined;
}

function withCodes(quantizer: OpNode, grid: Grid): NonNullable<LayerView['weights']> {
  const tensor = constantTensor(quantizer.inputs[0]);
  return tensor instanceof QuantizedTensor ? { ...grid, codes: tensor.codes } : grid;
}

/** The grid that a node's result gets, directly or behind a Relu or Clip. */
function outputGrid(node: OpNode): Grid | undefined {
  for (const reader of node.outputs[0]?.users() ?? []) {
    if (reader.kind !== 'op') continue;
    const behind = reader.is('Relu') || reader.is('Clip') ? [...reader.output.users()] : [reader];
    const quantizer = behind.find((candidate: Node) => isQuantizer(candidate)) as OpNode | undefined;
    if (quantizer !== undefined && hasQParams(quantizer)) return qparamsOf(quantizer);
  }
  return undefined;
}
