import { floatData } from '@bitwright/core';
import { constantTensor, hasQParams, nodeName, type OpNode, qparamsOf } from '@bitwright/graph';
import type { GraphRule } from '../graph-rule.js';
import { activationQuantizer, behindShapes } from '../walk-back.js';

/** The share of a step by which a value may miss its code: rounding of the scale to float32. */
const TOLERANCE = 1e-3;

/** W-CONST-PAD: a Pad fills a quantized tensor with a value that its grid does not hold. */
export const padOffGrid: GraphRule = ({ graph }) =>
  [...graph.ops()].flatMap((node) => {
    const quantizer = node.is('Pad') && activationQuantizer(behindShapes(node.inputs[0]!));
    if (!quantizer || !hasQParams(quantizer)) return [];
    const filled = fillValue(node);
    if (filled === undefined || onGrid(filled, quantizer)) return [];
    return {
      code: 'W-CONST-PAD',
      severity: 'warning',
      message: `Pad '${nodeName(node)}' fills with ${filled}, which is no value of the grid of '${nodeName(quantizer)}'.`,
      hint: 'Fill with a value that has a code (zero always has one), or quantize behind the Pad.',
      at: { node: nodeName(node), value: node.output.name },
    };
  });

/** The constant that a Pad fills with; undefined where it reflects, or computes it. */
function fillValue(node: OpNode): number | undefined {
  if (node.attributes.string('mode', 'constant') !== 'constant') return undefined;
  const given = node.inputs[2];
  if (given === undefined) return 0;
  const tensor = constantTensor(given);
  return tensor?.dtype === 'float' ? floatData(tensor)[0] : undefined;
}

function onGrid(value: number, quantizer: OpNode): boolean {
  const { scale, zeroPoint, quantMin, quantMax } = qparamsOf(quantizer);
  return [...scale].every((step, channel) => {
    const code = value / step + zeroPoint[channel]!;
    const nearest = Math.round(code);
    return nearest >= quantMin && nearest <= quantMax && Math.abs(code - nearest) <= TOLERANCE;
  });
}
