import { nodeName } from '@bitwright/graph';
import type { GraphRule } from '../graph-rule.js';
import { activationQuantizer } from '../walk-back.js';

const LAYERS = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'Add']);

/** W-RELU-Q: a quantizer between a layer and its Relu, whose negative codes the Relu throws away. */
export const beforeRelu: GraphRule = ({ graph, placedByTable }) =>
  [...graph.ops()].flatMap((node) => {
    const layer = activationQuantizer(node.outputs[0]) && node.inputs[0]?.producer;
    const readers = [...(node.outputs[0]?.users() ?? [])];
    if (layer?.kind !== 'op' || !LAYERS.has(layer.opType) || readers.length === 0) return [];
    if (!readers.every((reader) => reader.kind === 'op' && reader.is('Relu'))) return [];
    return {
      code: 'W-RELU-Q',
      severity: placedByTable === true ? 'info' : 'warning',
      message: `'${nodeName(node)}' quantizes between ${layer.opType} '${nodeName(layer)}' and its Relu: the codes below zero are lost.`,
      hint: 'Quantize behind the Relu, where the whole grid is used; the backend must run both as one.',
      at: { node: nodeName(layer), value: layer.output.name },
    };
  });
