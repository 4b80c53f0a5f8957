import { anyValue, canReplace, defineRule, op, reject } from '@bitwright/rewrite';

/** Identity(x) = x, save where it gives an output of the graph its name or hands a value of an outer graph out of a body. */
export const dropIdentity = defineRule({
  name: 'drop-identity',
  match: op('Identity', anyValue.as('x')).as('identity'),
  where: ({ identity, x }) =>
    canReplace(identity.output, x) ||
    reject('RULE_OUTPUT_NAME', `'${identity.output.name}' must keep its name`, identity),
  rewrite: ({ identity, x }, r) => {
    r.replace(identity, x);
  },
});
