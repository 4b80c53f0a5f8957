import type { Value } from '@bitwright/graph';
import { type GradientBuilder, sizesOf, unsupported, type Vjp } from '../gradient-builder.js';

/** Y = A B with leading dimensions that broadcast: dA = G B^T, dB = A^T G, each summed over what was broadcast. */
export const matMulVjp: Vjp = ({ node, grad, wanted, build }) => {
  const [a, b] = node.inputs as [Value, Value];
  const [left, right, out] = [sizesOf(a), sizesOf(b), sizesOf(node.outputs[0]!)];
  if (left.length < 2 || right.length < 2) throw unsupported(node, 'an operand has no rows or no columns');
  const lead = out.slice(0, -2);
  const first = (): Value => {
    const part = build.op('MatMul', [grad, swapLast(build, b, right.length)]);
    return build.unbroadcast(part, [...lead, left.at(-2)!, left.at(-1)!], left);
  };
  const second = (): Value => {
    if (right.length === 2) return rowsProduct(build, a, left, grad, out);
    const part = build.op('MatMul', [swapLast(build, a, left.length), grad]);
    return build.unbroadcast(part, [...lead, right.at(-2)!, right.at(-1)!], right);
  };
  return [wanted[0] ? first() : undefined, wanted[1] ? second() : undefined];
};

/** A^T G over all rows of all leading dimensions at once, for a B that is a plain matrix. */
function rowsProduct(
  build: GradientBuilder,
  a: Value,
  left: readonly number[],
  grad: Value,
  out: readonly number[],
): Value {
  const flat = (value: Value, columns: number): Value => build.reshape(value, [-1, columns]);
  return build.op('Gemm', [flat(a, left.at(-1)!), flat(grad, out.at(-1)!)], { transA: 1 });
}

function swapLast(build: GradientBuilder, value: Value, rank: number): Value {
  const perm = Array.from({ length: rank }, (_, i) => i);
  perm[rank - 1] = rank - 2;
  perm[rank - 2] = rank - 1;
  return build.op('Transpose', [value], { perm });
}

/**
 * Y = alpha A' B' + beta C, where ' is a transpose if the attribute says so: dA' = alpha G B'^T, dB' = alpha A'^T G,
 * dC = beta G summed over what was broadcast.
 */
export const gemmVjp: Vjp = ({ node, grad, wanted, build }) => {
  const [a, b, c] = node.inputs as [Value, Value, Value | undefined];
  const { attributes } = node;
  const transA = attributes.int('transA', 0);
  const transB = attributes.int('transB', 0);
  const alpha = { type: 'float', value: attributes.float('alpha', 1) } as const;
  const beta = attributes.float('beta', 1);
  const gemm = (x: Value, y: Value, tx: number, ty: number): Value =>
    build.op('Gemm', [x, y], { alpha, transA: tx, transB: ty });
  const first = (): Value => (transA ? gemm(b, grad, transB, 1) : gemm(grad, b, 0, 1 - transB));
  const second = (): Value => (transB ? gemm(grad, a, 1, transA) : gemm(a, grad, 1 - transA, 0));
  const third = (bias: Value): Value => {
    const part = build.unbroadcast(grad, sizesOf(node.outputs[0]!), sizesOf(bias));
    return beta === 1 ? part : build.op('Mul', [part, build.scalar(beta)]);
  };
  return [
    wanted[0] ? first() : undefined,
    wanted[1] ? second() : undefined,
    wanted[2] && c ? third(c) : undefined,
  ];
};
