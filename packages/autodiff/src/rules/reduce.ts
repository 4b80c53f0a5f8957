import type { OpNode, Value } from '@bitwright/graph';
import { sizesOf, type Vjp, type VjpCall } from '../gradient-builder.js';
import { axesOf } from './layout.js';

/** y = sum of x over axes: the gradient goes to each summand. */
export const reduceSumVjp: Vjp = (call) => [spread(call, 1)];

/** y = mean of x over axes: each of n summands gets g / n. */
export const reduceMeanVjp: Vjp = (call) => {
  const sizes = sizesOf(call.node.inputs[0]!);
  let count = 1;
  for (const axis of reducedAxes(call.node, sizes.length)) count *= sizes[axis]!;
  return [spread(call, 1 / count)];
};

/** y = softmax(x): dx = y (g - sum(g y)). */
export const softmaxVjp: Vjp = ({ node, grad, build }) => {
  const y = node.outputs[0]!;
  const inner = build.sum(build.op('Mul', [grad, y]), [softmaxAxis(node)]);
  return [build.op('Mul', [y, build.op('Sub', [grad, inner])])];
};

/** y = log softmax(x): dx = g - exp(y) sum(g). */
export const logSoftmaxVjp: Vjp = ({ node, grad, build }) => {
  const total = build.sum(grad, [softmaxAxis(node)]);
  return [build.op('Sub', [grad, build.op('Mul', [build.op('Exp', [node.outputs[0]!]), total])])];
};

function spread({ node, grad, build }: VjpCall, factor: number): Value {
  const sizes = sizesOf(node.inputs[0]!);
  const axes = new Set(reducedAxes(node, sizes.length));
  const scaled = factor === 1 ? grad : build.op('Mul', [grad, build.scalar(factor)]);
  const kept = build.reshape(
    scaled,
    sizes.map((size, i) => (axes.has(i) ? 1 : size)),
  );
  return build.op('Expand', [kept, build.ints(sizes)]);
}

function reducedAxes(node: OpNode, rank: number): readonly number[] {
  const own = node.attributes.ints('axes')?.map((axis) => (axis < 0 ? axis + rank : axis));
  if (own !== undefined) return own;
  if (node.inputs[1] === undefined && node.attributes.int('noop_with_empty_axes', 0) !== 0) return [];
  return axesOf(node, 1, rank);
}

function softmaxAxis(node: OpNode): number {
  const axis = node.attributes.int('axis', -1);
  return axis < 0 ? axis + sizesOf(node.outputs[0]!).length : axis;
}
