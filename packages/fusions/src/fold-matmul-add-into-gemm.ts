import { anyValue, constant, defineRule, op } from '@bitwright/rewrite';
import { cannotFoldIntoGemm, notABias, outputFeatures } from './fold-into-gemm.js';

/**
 * Add(MatMul(x, W), b) = Gemm(x, W, b) for matrices: backends fuse the bias of a Gemm, not an Add behind a MatMul.
 *
 *     y[m, n] = sum_k x[m, k] W[k, n] + b[n]
 *
 * Nothing is computed: weight and bias stay the initializers that they were. A product of more than two axes (a
 * transformer's [batch, token, feature]) stays as it is, since Gemm takes matrices only.
 */
export const foldMatmulAddIntoGemm = defineRule({
  name: 'fold-matmul-add-into-gemm',
  match: op('Add', op('MatMul', anyValue.as('x'), constant.as('w')).as('gemm'), constant.as('b')).as('add'),
  where: (parts) => {
    const features = outputFeatures(parts);
    return cannotFoldIntoGemm({ ...parts, b: undefined }, features) ?? notABias(parts.b, features) ?? true;
  },
  rewrite({ add, gemm, x, w, b }, r) {
    r.replace(add, r.op.Gemm([x, w, b], {}, { name: gemm.name }));
  },
});
