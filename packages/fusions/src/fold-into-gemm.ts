import type { GetAttrNode, OpNode, Value } from '@bitwright/graph';
import { type Rejection, type Rewriter, reject } from '@bitwright/rewrite';
import { biasName, type ChannelAffine, mapBias, notFloat, scaleWeight } from './channel-affine.js';

/** A Gemm, or a MatMul of matrices, with a constant second factor and bias, as patterns capture it. */
export interface GemmParts {
  readonly gemm: OpNode;
  readonly x: Value;
  readonly w: GetAttrNode;
  readonly b: GetAttrNode | undefined;
}

/** How many columns (output features) the product has. */
export function outputFeatures({ gemm, w }: Pick<GemmParts, 'gemm' | 'w'>): number {
  return w.tensor.dims[gemm.attributes.int('transB', 0) === 0 ? 1 : 0] ?? 0;
}

/** A rejection when an affine map of so many columns cannot be folded into the product; undefined when it can. */
export function cannotFoldIntoGemm(parts: GemmParts, features: number): Rejection | undefined {
  const { gemm, x, w, b } = parts;
  if (gemm.opType === 'MatMul' && x.shape?.length !== 2)
    return reject(
      x.shape === undefined ? 'RULE_RANK_UNKNOWN' : 'RULE_RANK',
      `only a product of matrices becomes a Gemm, and '${x.name}' has ${x.shape === undefined ? 'an unknown rank' : `rank ${x.shape.length}`}`,
      x,
    );
  if (w.tensor.dims.length !== 2 || outputFeatures(parts) !== features)
    return reject(
      'RULE_CHANNELS',
      `${gemm.displayName} makes ${outputFeatures(parts)} features and ${features} are mapped`,
      gemm,
    );
  return notFloat(w) ?? (b && (notFloat(b) ?? notABias(b, features)));
}

/** A rejection unless a constant has one value for each column, or one for all. */
export function notABias(b: GetAttrNode, features: number): Rejection | undefined {
  const { dims } = b.tensor;
  const last = dims.at(-1) ?? 1;
  const fits =
    dims.length <= 2 && dims.slice(0, -1).every((dim) => dim === 1) && (last === 1 || last === features);
  return fits
    ? undefined
    : reject(
        'RULE_NOT_PER_CHANNEL',
        `'${b.output.name}' of shape [${dims.join(', ')}] has not one value for each of the ${features} features`,
        b,
      );
}

/** The Gemm with an affine map of its columns folded into its second factor and bias. */
export function foldIntoGemm(r: Rewriter, parts: GemmParts, affine: ChannelAffine): Value {
  const { gemm, x, w, b } = parts;
  const [rows = 0, columns = 0] = w.tensor.dims;
  const transposed = gemm.attributes.int('transB', 0) !== 0;
  const layout = transposed
    ? { outer: 1, count: rows, inner: columns, firstChannel: () => 0 }
    : { outer: rows, count: columns, inner: 1, firstChannel: () => 0 };
  const weight = r.constant(w.output.name, scaleWeight(w.tensor, layout, affine));
  const beta = gemm.attributes.float('beta', 1);
  const bias = r.constant(biasName(w, b), mapBias(b?.tensor, affine, beta));
  return r.op.Gemm([x, weight, bias], gemm.attributes.with({ beta: undefined }));
}
