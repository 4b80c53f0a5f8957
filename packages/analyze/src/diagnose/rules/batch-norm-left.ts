import { constantTensor, nodeName, type OpNode } from '@bitwright/graph';
import type { GraphRule } from '../graph-rule.js';

/** W-BN: a BatchNormalization is left beside quantized layers, with the reason. */
export const batchNormLeft: GraphRule = ({ graph }) =>
  [...graph.ops()]
    .filter((node) => node.is('BatchNormalization'))
    .map((node) => ({
      code: 'W-BN',
      severity: 'warning',
      message: `BatchNormalization '${nodeName(node)}' is left in the quantized model: ${reason(node)}.`,
      hint: 'Export the model for inference, where its statistics are constants that fold into the layer before.',
      at: { node: nodeName(node) },
    }));

function reason(node: OpNode): string {
  const varying = node.inputs.slice(1, 5).find((value) => constantTensor(value) === undefined);
  if (varying !== undefined) return `its parameter '${varying.name}' is computed, not constant`;
  const x = node.inputs[0]!;
  const { producer } = x;
  const follows = producer.kind === 'op' ? `${producer.opType} '${nodeName(producer)}'` : `'${x.name}'`;
  return x.uses.size > 1
    ? `it follows ${follows}, whose result ${x.uses.size} nodes read`
    : `it follows ${follows} and was not folded`;
}
