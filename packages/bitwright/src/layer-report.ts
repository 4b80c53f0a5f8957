import {
  type GraphModule,
  isQuantizer,
  type Node,
  nodeName,
  type OpNode,
  type QuantRole,
  qparamsOf,
  quantSpecOf,
} from '@bitwright/graph';
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

/** One entry for each operator of a quantized graph that was read from a file. */
export function reportQuantizedGraph(module: GraphModule): LayerReport[] {
  const reports: LayerReport[] = [];
  const members = new Set<OpNode>();
  for (const node of module.graph.allOps()) {
    if (node.domain === 'ai.bitwright' || members.has(node)) continue;
    const { tail, quantizer } = behind(node);
    for (const member of tail) members.add(member);
    const identity = { name: nodeName(node), opType: node.opType };
    const [input, weight, bias] = node.inputs.map((value) => value?.producer);
    const weights = quantizerOf(weight, 'weight');
    const layer: Partial<LayerReport> = {
      ...(weights && { weights: weightReport(weights) }),
      ...(quantizerOf(bias, 'bias') && { bias: { bits: quantSpecOf(quantizerOf(bias, 'bias')!).bits } }),
      ...(quantizerOf(input, 'activation') && { activations: gridReport(quantizerOf(input, 'activation')!) }),
      ...(quantizer && { output: gridReport(quantizer) }),
    };
    if (Object.keys(layer).length > 0)
      reports.push({ ...identity, pattern: [node, ...tail].map(({ opType }) => opType), ...layer });
    else
      reports.push({
        ...identity,
        float: { code: 'FLOAT_IN_FILE', reason: 'the quantized file has it float' },
      });
  }
  return reports;
}

/** The Relu or Clip that alone reads a node's result, and the quantizer that alone reads what comes out. */
function behind(node: OpNode): { readonly tail: readonly OpNode[]; readonly quantizer?: OpNode } {
  const tail: OpNode[] = [];
  for (let last = node; ; last = tail.at(-1)!) {
    const [use] = last.outputs[0]?.uses ?? [];
    if (use?.node.kind !== 'op' || last.outputs[0]!.uses.size !== 1) return { tail: [] };
    const activation = use.node.is('Relu') || use.node.is('Clip') ? use.node : undefined;
    if (isQuantizer(use.node)) return { tail, quantizer: use.node };
    if (activation === undefined) return { tail: [] };
    tail.push(activation);
  }
}

function quantizerOf(node: Node | undefined, role: QuantRole): OpNode | undefined {
  return isQuantizer(node) && quantSpecOf(node).role === role ? node : undefined;
}

function weightReport(node: OpNode): NonNullable<LayerReport['weights']> {
  const { bits, zeroPoint, axis } = qparamsOf(node);
  const symmetric = zeroPoint.every((zero) => zero === 0);
  return { bits, symmetric, ...(axis !== undefined && { axis }) };
}

function gridReport(node: OpNode): GridReport {
  const { bits, signed } = quantSpecOf(node);
  if (node.inputs[1] === undefined) return { bits, signed };
  const { scale, zeroPoint } = qparamsOf(node);
  return { bits, signed, scale: scale[0]!, zeroPoint: zeroPoint[0]! };
}
