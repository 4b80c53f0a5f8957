import { anyValue, defineRule, op, reject } from 'bitwright/plugin';

/**
 * a + (-b) = a - b: one operator less, and the same floats, since -b is exact.
 *
 * The Neg must have no other reader; two integers are left alone.
 */
export const replaceAddOfNeg = defineRule({
  name: 'template/replace-add-of-neg',
  match: op('Add', anyValue.as('a'), op('Neg', anyValue.as('b')).as('neg')).as('add'),
  where: ({ a }) =>
    a.dtype === 'float' ||
    reject('TEMPLATE_DTYPE', `'${a.name}' is ${a.dtype ?? 'of an unknown type'}, not float`, a),
  rewrite: ({ add, a, b }, r) => {
    r.replace(add, r.op.Sub([a, b]));
  },
});
