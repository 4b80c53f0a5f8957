import { anyValue, canReplace, defineRule, isGraphOutput, op, reject } from '@bitwright/rewrite';

/**
 * Identity(x) = x, save where it gives an output of the graph its name or hands a value of an outer graph out of a body.
 *
 * One that names an output stays, too, while others read x: the runtime's own optimizations (Transpose into Gemm, release 1.30)
 * crash on a result that is both an output and an operand.
 */
export const dropIdentity = defineRule({
  name: 'drop-identity',
  match: op('Identity', anyValue.as('x')).as('identity'),
  where: ({ identity, x }) =>
    (canReplace(identity.output, x) && !(isGraphOutput(identity.output) && x.uses.size > 1)) ||
    reject('RULE_OUTPUT_NAME', `'${identity.output.name}' must keep its name`, identity),
  rewrite: ({ identity, x }, r) => {
    r.replace(identity, x);
  },
});
