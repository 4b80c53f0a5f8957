import { constantTensor, type OpNode } from '@bitwright/graph';
import { anyValue, canReplace, defineRule, op, readNumber, reject } from '@bitwright/rewrite';

/** Dropout(x) = x at inference: no training mode (or a constant false one) and nobody reads the mask. */
export const dropDropout = defineRule({
  name: 'drop-dropout',
  match: op('Dropout', anyValue.as('x')).as('dropout'),
  where: ({ dropout, x }) => {
    if (trains(dropout)) return reject('RULE_TRAINING_MODE', 'the dropout may be training', dropout);
    if ((dropout.outputs[1]?.uses.size ?? 0) > 0)
      return reject('RULE_MASK_READ', `its mask '${dropout.outputs[1]!.name}' is read`, dropout);
    return (
      canReplace(dropout.outputs[0]!, x) ||
      reject('RULE_OUTPUT_NAME', `'${dropout.outputs[0]!.name}' must keep its name`, dropout)
    );
  },
  rewrite: ({ dropout, x }, r) => {
    r.replace(dropout, x);
  },
});

/** Up to opset 11 a Dropout in a model file never trains; from 12 on an input says so. */
function trains(dropout: OpNode): boolean {
  const mode = dropout.inputs[2];
  if (mode === undefined) return false;
  const tensor = constantTensor(mode);
  return tensor === undefined || readNumber(tensor) !== 0;
}
