import { isQuantizer, nodeName, type OpNode, qparamsOf, quantSpecOf } from '@bitwright/graph';
import type { PreparedModel } from '@bitwright/quantize';

/** What became of one operator: how it is quantized, or why it stays float. */
export interface LayerReport {
  readonly name: string;
  readonly opType: string;
  /** The operators of the group, e.g. Conv and Relu. */
  readonly pattern?: readonly string[];
  readonly weights?: { readonly bits: number; readonly symmetric: boolean; readonly axis?: number };
  readonly bias?: { readonly bits: number };
  /** The grid of the layer's input. */
  readonly activations?: GridReport;
  /** The grid of the layer's output, where it has one. */
  readonly output?: GridReport;
  readonly float?: { readonly code: string; readonly reason: string };
}

/** A per-tensor grid. */
export interface GridReport {
  readonly bits: number;
  readonly signed: boolean;
  readonly scale?: number;
  readonly zeroPoint?: number;
}

/** One entry for each operator of the fused float graph, in its order. Call it before lowering. */
export function reportLayers(prepared: PreparedModel): LayerReport[] {
  const byAnchor = new Map(prepared.layers.map((layer) => [layer.anchor, layer]));
  const members = new Set(prepared.layers.flatMap((layer) => layer.nodes));
  const reports: LayerReport[] = [];
  for (const node of prepared.module.graph.allOps()) {
    const layer = byAnchor.get(node);
    const identity = { name: nodeName(node), opType: node.opType };
    if (layer !== undefined)
      reports.push({ ...identity, pattern: layer.entry.pattern, ...gridsOf(node, layer) });
    else if (!members.has(node) && node.domain !== 'ai.bitwright') {
      reports.push({
        ...identity,
        float: prepared.float.get(node) ?? {
          code: 'FLOAT_IN_BODY',
          reason: 'it stands in the body of an If, Loop or Scan',
        },
      });
    }
  }
  return reports;
}

function gridsOf(node: OpNode, layer: PreparedModel['layers'][number]): Partial<LayerReport> {
  const { weightQuantizer, biasQuantizer, config } = layer;
  const input = node.inputs[layer.activationInputs[0] ?? 0]?.producer;
  const [use] = [...(layer.nodes.at(-1)!.outputs[0]?.uses ?? [])];
  const output = use?.node;
  const spec = weightQuantizer && quantSpecOf(weightQuantizer);
  return {
    ...(spec && {
      weights: {
        bits: spec.bits,
        symmetric: config.symmetricWeights,
        ...(spec.axis !== undefined && { axis: spec.axis }),
      },
    }),
    ...(biasQuantizer !== undefined &&
      !biasQuantizer.erased && { bias: { bits: quantSpecOf(biasQuantizer).bits } }),
    ...(isQuantizer(input) && { activations: gridReport(input) }),
    ...(isQuantizer(output) && { output: gridReport(output) }),
  };
}

function gridReport(node: OpNode): GridReport {
  const { bits, signed } = quantSpecOf(node);
  if (node.inputs[1] === undefined) return { bits, signed };
  const { scale, zeroPoint } = qparamsOf(node);
  return { bits, signed, scale: scale[0]!, zeroPoint: zeroPoint[0]! };
}
