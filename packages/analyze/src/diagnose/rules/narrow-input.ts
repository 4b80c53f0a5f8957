import { nodeName, quantSpecOf } from '@bitwright/graph';
import type { GraphRule } from '../graph-rule.js';
import { activationQuantizer, behindShapes } from '../walk-back.js';
import { severityOf } from './narrow-logits.js';

/** W-FIRST: an input of the network has fewer than 8 bits. */
export const narrowInput: GraphRule = (subject) =>
  [...subject.graph.ops()].flatMap((node) => {
    const input = activationQuantizer(node.outputs[0]) && behindShapes(node.inputs[0]!);
    if (input?.producer.kind !== 'placeholder') return [];
    const { bits } = quantSpecOf(node);
    if (bits >= 8) return [];
    return {
      code: 'W-FIRST',
      severity: severityOf(bits, subject),
      message: `The network's input '${input.name}' is quantized to ${bits} bits, and images have 8.`,
      hint: 'Keep the first layer at 8 bits: it costs little and loses nothing (--scheme academic does).',
      at: { node: nodeName(node), value: input.name },
    };
  });
