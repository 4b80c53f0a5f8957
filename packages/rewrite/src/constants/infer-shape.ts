import type { Dim } from '@bitwright/graph';
import { normalAxes, normalAxis } from './axes.js';
import { broadcastShapes, mergeShapes, productOf, type Shape, sumOf } from './dims.js';
import { intsArgument, type KernelCall } from './kernel.js';
import { type KnownValue, numbersOf } from './known-value.js';
import { reshapedDims, slicedAxes } from './shape-rules.js';
import { convShape, convTransposeShape, poolShape } from './window-types.js';

/** What a shape rule sees: the operator, its inputs' shapes, and what is known of their elements. */
export interface ShapeCall extends KernelCall {
  readonly shapes: readonly Shape[];
}

/** The shape of an operator's first result, or of all its results. */
type ShapeRule = (call: ShapeCall) => Shape;

const rankOf = (shape: Shape) => shape?.length ?? 0;

const concat: ShapeRule = ({ node, shapes }) => {
  const rank = rankOf(shapes[0]);
  const axis = normalAxis(node.attributes.int('axis', 0), rank);
  if (axis === undefined || shapes.some((shape) => shape?.length !== rank)) return undefined;
  const merged = shapes.reduce((a, b) => mergeShapes(a, b));
  return merged?.map((dim, i) => (i === axis ? sumOf(shapes.map((shape) => shape?.[axis])) : dim));
};

const transpose: ShapeRule = ({ node, shapes: [x] }) => {
  const perm = node.attributes.ints('perm') ?? x?.map((_, i) => x.length - 1 - i);
  return x && perm?.map((axis) => x[axis]);
};

const flatten: ShapeRule = ({ node, shapes: [x] }) => {
  if (x === undefined) return undefined;
  const axis = node.attributes.int('axis', 1);
  const split = axis < 0 ? axis + x.length : axis;
  return [productOf(x.slice(0, split)), productOf(x.slice(split))];
};

const reshape: ShapeRule = (call) => {
  const target = targetOf(call.inputs[1]) ?? call.node.attributes.ints('shape');
  if (target !== undefined)
    return reshapedDims(call.shapes[0], target, call.node.attributes.int('allowzero', 0) !== 0);
  const rank = call.shapes[1]?.[0];
  return typeof rank === 'number' ? new Array<Dim>(rank).fill(undefined) : undefined;
};

/** Sizes that are computed: numbers, names of dimensions, or not known. */
function targetOf(known: KnownValue | undefined): readonly Dim[] | undefined {
  return known?.elements.map((e) => (typeof e === 'bigint' ? Number(e) : e));
}

const squeeze: ShapeRule = (call) => {
  const [x] = call.shapes;
  const axes = intsArgument(call, 1, 'axes');
  if (x === undefined || axes === undefined) return undefined;
  if (axes.length === 0)
    return x.every((dim) => typeof dim === 'number') ? x.filter((dim) => dim !== 1) : undefined;
  const drop = normalAxes(axes, x.length);
  return drop && x.filter((_, i) => !drop.includes(i));
};

const unsqueeze: ShapeRule = (call) => {
  const [x] = call.shapes;
  const axes = intsArgument(call, 1, 'axes');
  const added = x && axes && normalAxes(axes, x.length + axes.length);
  if (x === undefined || added === undefined) return undefined;
  const rest = [...x];
  return Array.from({ length: x.length + added.length }, (_, i) => (added.includes(i) ? 1 : rest.shift()));
};

const slice: ShapeRule = (call) => {
  const [x] = call.shapes;
  if (x === undefined) return undefined;
  const axes = slicedAxes(call, x);
  if (axes !== undefined) return axes.map(({ length }) => length);
  const touched = intsArgument(call, 3, 'axes');
  const normal = touched === undefined || touched.length === 0 ? undefined : normalAxes(touched, x.length);
  return x.map((dim, i) => (normal === undefined || normal.includes(i) ? undefined : dim));
};

const gather: ShapeRule = ({ node, shapes: [x, indices] }) => {
  const axis = x && normalAxis(node.attributes.int('axis', 0), x.length);
  if (x === undefined || indices === undefined || axis === undefined) return undefined;
  return [...x.slice(0, axis), ...indices, ...x.slice(axis + 1)];
};

const pad: ShapeRule = (call) => {
  const [x] = call.shapes;
  const pads = intsArgument(call, 1, 'pads');
  if (x === undefined) return undefined;
  const axes = call.node.inputs[3] === undefined ? x.map((_, i) => i) : intsArgument(call, 3, 'axes');
  const normal = axes && normalAxes(axes, x.length);
  if (pads === undefined || normal === undefined) return x.map(() => undefined);
  const dims = [...x];
  for (const [i, axis] of normal.entries()) {
    const amount = (pads[i] ?? 0) + (pads[i + normal.length] ?? 0);
    if (amount !== 0) dims[axis] = sumOf([dims[axis], amount]);
  }
  return dims;
};

const matmul: ShapeRule = ({ shapes: [a, b] }) => {
  if (a === undefined || b === undefined || a.length === 0 || b.length === 0) return undefined;
  const batch = broadcastShapes([a.slice(0, -2), b.slice(0, -2)]);
  return batch && [...batch, ...(a.length > 1 ? [a.at(-2)] : []), ...(b.length > 1 ? [b.at(-1)] : [])];
};

const gemm: ShapeRule = ({ node, shapes: [a, b] }) => [
  a?.[node.attributes.int('transA', 0) === 0 ? 0 : 1],
  b?.[node.attributes.int('transB', 0) === 0 ? 1 : 0],
];

const resize: ShapeRule = ({ node, shapes: [x], inputs }) => {
  if (x === undefined || node.attributes.has('axes')) return x?.map(() => undefined);
  const upsample = node.opType === 'Upsample';
  const sizes = upsample ? undefined : numbersOf(inputs[3]);
  if (
    sizes?.length === x.length &&
    node.attributes.string('keep_aspect_ratio_policy', 'stretch') === 'stretch'
  )
    return sizes;
  const scales = numbersOf(inputs[upsample || node.inputs.length === 2 ? 1 : 2]);
  return x.map((dim, i) => {
    const scale = scales?.[i];
    if (scale === 1) return dim;
    return typeof dim === 'number' && scale !== undefined ? Math.floor(dim * scale) : undefined;
  });
};

const reduce: ShapeRule = (call) => {
  const [x] = call.shapes;
  const axes = intsArgument(call, 1, 'axes');
  const { attributes } = call.node;
  if (x === undefined || axes === undefined) return undefined;
  if (axes.length === 0 && attributes.int('noop_with_empty_axes', 0) !== 0) return x;
  const normal = axes.length === 0 ? x.map((_, i) => i) : normalAxes(axes, x.length);
  if (attributes.int('keepdims', 1) !== 0)
    return x.map((dim, i) => (normal?.includes(i) === false ? dim : 1));
  return normal && x.filter((_, i) => !normal.includes(i));
};

const argReduce: ShapeRule = ({ node, shapes: [x] }) => {
  const axis = x && normalAxis(node.attributes.int('axis', 0), x.length);
  if (x === undefined || axis === undefined) return undefined;
  const keep = node.attributes.int('keepdims', 1) !== 0;
  return keep ? x.map((dim, i) => (i === axis ? 1 : dim)) : x.filter((_, i) => i !== axis);
};

const globalPool: ShapeRule = ({ shapes: [x] }) => x && [x[0], x[1], ...x.slice(2).map(() => 1)];

const fromTarget: ShapeRule = ({ inputs: [target], shapes: [length] }) => {
  const rank = length?.[0];
  return targetOf(target) ?? (typeof rank === 'number' ? new Array<Dim>(rank).fill(undefined) : undefined);
};

const expand: ShapeRule = ({ shapes: [x], inputs: [, target] }) => broadcastShapes([x, targetOf(target)]);

const depthToSpace: ShapeRule = ({ node, shapes: [x] }) => {
  const block = node.attributes.int('blocksize', 1);
  const by = node.opType === 'DepthToSpace' ? block : 1 / block;
  const times = (dim: Dim, factor: number) => (typeof dim === 'number' ? dim * factor : undefined);
  return x && [x[0], times(x[1], 1 / by ** 2), ...x.slice(2).map((dim) => times(dim, by))];
};

const conv: ShapeRule = ({ node, shapes: [x, w] }) => convShape(node, x, w);
const pool: ShapeRule = ({ node, shapes: [x] }) => poolShape(node, x);

/** Shape rules of operators that neither keep the shape of their first input nor broadcast. */
export const SHAPE_RULES: Readonly<Record<string, ShapeRule>> = {
  Conv: conv,
  ConvInteger: conv,
  QLinearConv: ({ node, shapes }) => convShape(node, shapes[0], shapes[3]),
  ConvTranspose: ({ node, shapes: [x, w] }) => convTransposeShape(node, x, w),
  MaxPool: pool,
  AveragePool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GlobalLpPool: globalPool,
  Concat: concat,
  Transpose: transpose,
  Flatten: flatten,
  Reshape: reshape,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Slice: slice,
  Gather: gather,
  Pad: pad,
  MatMul: matmul,
  MatMulInteger: matmul,
  Gemm: gemm,
  Resize: resize,
  Upsample: resize,
  ReduceMean: reduce,
  ReduceSum: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  ReduceL1: reduce,
  ReduceL2: reduce,
  ReduceSumSquare: reduce,
  ReduceLogSum: reduce,
  ReduceLogSumExp: reduce,
  ArgMax: argReduce,
  ArgMin: argReduce,
  ConstantOfShape: fromTarget,
  Expand: expand,
  DepthToSpace: depthToSpace,
  SpaceToDepth: depthToSpace,
  Shape: ({ shapes: [x] }) => (x === undefined ? [undefined] : [x.length]),
  Size: () => [],
  Range: () => [undefined],
};
