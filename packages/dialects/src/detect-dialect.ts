import type { GraphModule, OpNode } from '@bitwright/graph';
import type { Importer } from './dialect.js';
import { isQOperator, isQuantizedOperator, isQuantNode } from './lift/quantized-operators.js';
import { native } from './native.js';
import { qcdq } from './qcdq.js';
import { qdq } from './qdq.js';
import { qonnx } from './qonnx.js';
import { qoperator } from './qoperator.js';

/** The way in which a captured file writes quantization, by its operators alone; undefined for a float model. */
export function detectDialect(module: GraphModule): Importer | undefined {
  let found: Importer | undefined;
  for (const node of module.graph.allOps()) {
    if (isQuantNode(node)) return qonnx;
    if (isQOperator(node)) return qoperator;
    if (!isQuantizedOperator(node) || found === native) continue;
    if (node.inputs.some((value) => /^u?int[24]$/.test(value?.dtype ?? '')) || readsNarrowCast(node))
      found = native;
    else if (clipsCodes(node)) found = qcdq;
    else found ??= qdq;
  }
  return found;
}

/** A QuantizeLinear whose codes are clipped. */
function clipsCodes(node: OpNode): boolean {
  if (!node.is('QuantizeLinear')) return false;
  return [...node.output.users()].some((user) => user.kind === 'op' && user.is('Clip'));
}

/** 2-bit codes go through a Cast, see the dialect `native`. */
function readsNarrowCast(node: OpNode): boolean {
  const producer = node.inputs[0]?.producer;
  return (
    producer?.kind === 'op' && producer.is('Cast') && /^u?int[24]$/.test(producer.inputs[0]?.dtype ?? '')
  );
}
