import { anyOf, anyValue, constant, defineRule, op, optional, Rejection, reject } from '@bitwright/rewrite';
import { biasName, notFloat } from './channel-affine.js';
import { constantAffine } from './constant-affine.js';
import { absorbRows } from './fold-into-next.js';

/**
 * Gemm(s * x + t, W, b) = Gemm(x, W', b') for one s and t a feature: arithmetic with constants goes into the product behind it.
 *
 *     alpha sum W[k,n] (s[k] x[k] + t[k]) + beta b[n]    so    W'[k,n] = s[k] W[k,n],    b'[n] = beta b[n] + alpha sum W[k,n] t[k]
 *
 * x must not be transposed. Computed in double precision and rounded once to float32.
 */
export const foldAffineIntoNextGemm = defineRule({
  name: 'fold-affine-into-next-gemm',
  match: op(
    'Gemm',
    anyOf(
      op('Mul', anyValue.as('x'), constant.as('c')).as('map'),
      op('Add', anyValue.as('x'), constant.as('c')).as('map'),
      op('Sub', anyValue.as('x'), constant.as('c')).as('map'),
      op('Sub', constant.as('c'), anyValue.as('x')).as('map'),
      op('Div', anyValue.as('x'), constant.as('c')).as('map'),
    ),
    constant.as('w'),
    optional(constant.as('b')),
  )
    .attributes({ transA: 0 })
    .as('gemm'),
  rewrite({ gemm, map, x, w, b, c }, r) {
    const wrong = notFloat(w) ?? (b && notFloat(b));
    if (wrong !== undefined) return wrong;
    const { attributes } = gemm;
    const transposed = attributes.int('transB', 0) !== 0;
    const features = w.tensor.dims[transposed ? 1 : 0] ?? 0;
    if (x.shape?.length !== 2 || x.shape[1] !== features)
      return reject('RULE_CHANNELS', `'${x.name}' is not known to have ${features} features`, x);
    if (b?.tensor.dims.slice(0, -1).some((dim) => dim !== 1))
      return reject('RULE_NOT_PER_CHANNEL', `'${b.output.name}' has not one value a feature`, b);
    const affine = constantAffine(map, c, features, 1, 2);
    if (affine instanceof Rejection) return affine;
    const factors = { alpha: attributes.float('alpha', 1), beta: attributes.float('beta', 1), transposed };
    const { weight, bias } = absorbRows(w.tensor, b?.tensor, affine, factors);
    const inputs = [x, r.constant(w.output.name, weight), r.constant(biasName(w, b), bias)];
    r.replace(gemm, r.op.Gemm(inputs, attributes.with({ beta: undefined }), { name: gemm.name }));
    return undefined;
  },
});
