import { nodeName, quantSpecOf } from '@bitwright/graph';
import type { DiagnosedGraph, GraphRule } from '../graph-rule.js';
import { activationQuantizer, behindShapes } from '../walk-back.js';

/** W-LOGITS: the network's result has fewer than 8 bits. */
export const narrowLogits: GraphRule = (subject) =>
  subject.graph.outputs.flatMap((output) => {
    const quantizer = activationQuantizer(behindShapes(output));
    if (quantizer === undefined) return [];
    const { bits } = quantSpecOf(quantizer);
    if (bits >= 8) return [];
    const made = quantizer.inputs[0]!;
    return {
      code: 'W-LOGITS',
      severity: severityOf(bits, subject),
      message: `The output '${output.name}' has ${bits} bits: answers whose logits share a code can't be told apart.`,
      hint: 'Keep the last layer at 8 bits, or its result float (--scheme academic does the former).',
      at: { node: nodeName(made.producer.kind === 'op' ? made.producer : quantizer), value: output.name },
    };
  });

/** What was asked for is no mistake. */
export function severityOf(bits: number, { askedBits }: DiagnosedGraph): 'info' | 'warning' {
  return askedBits !== undefined && bits >= askedBits ? 'info' : 'warning';
}
