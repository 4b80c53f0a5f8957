import { constantTensor, isQuantizer, nodeName, type OpNode, type Value } from '@bitwright/graph';
import type { GraphRule } from '../graph-rule.js';
import { activationQuantizer, behindMoves } from '../walk-back.js';

const LAYERS = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** W-BYPASS: one operand of an Add is quantized and its shortcut is float. */
export const floatBypass: GraphRule = ({ graph }) =>
  [...graph.ops()].flatMap((node) => {
    if (!node.is('Add') || node.inputs.length !== 2) return [];
    const operands = node.inputs.map((value) => behindMoves(value!));
    const float = operands.find((value) => isFloat(value) && !isFusedLayer(value, node));
    if (float === undefined || !operands.some((value) => activationQuantizer(value) !== undefined)) return [];
    return {
      code: 'W-BYPASS',
      severity: 'warning',
      message: `The operand '${float.name}' of Add '${nodeName(node)}' is float where the other is quantized: the addition runs in float.`,
      hint: 'Quantize the shortcut too, or neither operand.',
      at: { node: nodeName(node), value: float.name },
    };
  });

function isFloat(value: Value): boolean {
  return !isQuantizer(value.producer) && constantTensor(value) === undefined;
}

/** True for a layer that runs as one with the Add, so that its own result is never stored. */
function isFusedLayer({ producer, uses }: Value, add: OpNode): boolean {
  if (producer.kind !== 'op' || !LAYERS.has(producer.opType)) return false;
  return uses.size === 1 && [...uses][0]!.node === add;
}
