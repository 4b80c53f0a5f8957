import { DenseTensor, elementCount, floatData, type Tensor } from '@bitwright/core';
import type { OpNode } from '@bitwright/graph';
import { anyOf, anyValue, constant, defineRule, op, Rejection, reject } from '@bitwright/rewrite';
import { notFloat } from './channel-affine.js';

/** The most elements that a merged constant may have: broadcasting could make it large. */
const MOST_ELEMENTS = 65_536;

const sum = anyOf(
  op('Add', anyValue.as('x'), constant.as('a')).as('inner'),
  op('Sub', anyValue.as('x'), constant.as('a')).as('inner'),
);
const product = anyOf(
  op('Mul', anyValue.as('x'), constant.as('a')).as('inner'),
  op('Div', anyValue.as('x'), constant.as('a')).as('inner'),
);

/**
 * Two constants one after the other become one.
 *
 *     (x + a) + c = x + (a + c)    also with -, and    (x * a) * c = x * (a * c)    also with /
 *
 * Computed in double precision and rounded once to float32; the shapes of a and c are broadcast.
 */
export const mergeConstants = defineRule({
  name: 'merge-constants',
  match: anyOf(
    op('Add', sum, constant.as('c')).as('outer'),
    op('Sub', sum, constant.as('c')).as('outer'),
    op('Mul', product, constant.as('c')).as('outer'),
    op('Div', product, constant.as('c')).as('outer'),
  ),
  rewrite({ outer, inner, x, a, c }, r) {
    const wrong = notFloat(a) ?? notFloat(c);
    if (wrong !== undefined) return wrong;
    const merged = mergedConstant(outer, inner, a.tensor, c.tensor);
    if (merged instanceof Rejection) return merged;
    const isSum = outer.opType === 'Add' || outer.opType === 'Sub';
    const constant = r.constant(c.output.name, merged);
    r.replace(outer, isSum ? r.op.Add([x, constant]) : r.op.Mul([x, constant]));
    return undefined;
  },
});

function mergedConstant(outer: OpNode, inner: OpNode, a: Tensor, c: Tensor): Tensor | Rejection {
  const rank = Math.max(a.dims.length, c.dims.length);
  const sizeOf = (dims: readonly number[], axis: number): number => dims[axis - (rank - dims.length)] ?? 1;
  const dims = Array.from({ length: rank }, (_, axis) => {
    const [p, q] = [sizeOf(a.dims, axis), sizeOf(c.dims, axis)];
    return p === 1 ? q : p;
  });
  if (elementCount(dims) > MOST_ELEMENTS)
    return reject('RULE_TOO_LARGE', `the merged constant would have ${elementCount(dims)} elements`, outer);
  const [left, right] = [floatData(a), floatData(c)];
  const merge = combine(inner.opType, outer.opType);
  const values = Float32Array.from({ length: elementCount(dims) }, (_, flat) =>
    merge(left[indexIn(a.dims, dims, flat)]!, right[indexIn(c.dims, dims, flat)]!),
  );
  if (!values.every(Number.isFinite))
    return reject('RULE_NOT_FINITE', 'the merged constant is not finite in float32', outer);
  return new DenseTensor('float', dims, values);
}

function combine(inner: string, outer: string): (a: number, c: number) => number {
  if (outer === 'Add' || outer === 'Sub') {
    const [p, q] = [inner === 'Sub' ? -1 : 1, outer === 'Sub' ? -1 : 1];
    return (a, c) => p * a + q * c;
  }
  return (a, c) => (inner === 'Div' ? 1 / a : a) * (outer === 'Div' ? 1 / c : c);
}

/** Where an element of a broadcast result comes from. */
function indexIn(dims: readonly number[], result: readonly number[], flat: number): number {
  let index = 0;
  let stride = 1;
  for (let axis = result.length - 1, rest = flat; axis >= 0; axis--) {
    const at = rest % result[axis]!;
    rest = Math.floor(rest / result[axis]!);
    const size = dims[axis - (result.length - dims.length)] ?? 1;
    index += (size === 1 ? 0 : at) * stride;
    stride *= size;
  }
  return index;
}
