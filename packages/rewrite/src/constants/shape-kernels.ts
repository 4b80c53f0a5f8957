import { elementCount } from '@bitwright/core';
import { normalAxes, normalAxis, stridesOf, walk } from './axes.js';
import { intsArgument, type Kernel } from './kernel.js';
import { allNumbers, type Element, type KnownValue, knownInts } from './known-value.js';
import { reshapedDims, slicedAxes } from './shape-rules.js';

function redimensioned(known: KnownValue, dims: readonly number[] | undefined): KnownValue | undefined {
  return dims !== undefined && elementCount(dims) === known.elements.length ? { ...known, dims } : undefined;
}

function picked(known: KnownValue, dims: readonly number[], offsets: ArrayLike<number>): KnownValue {
  return { dtype: known.dtype, dims, elements: Array.from(offsets, (offset) => known.elements[offset]) };
}

const shape: Kernel = ({ node }) => {
  const dims = node.inputs[0]?.shape;
  if (dims === undefined) return undefined;
  const { attributes } = node;
  return knownInts(dims.slice(attributes.int('start', 0), attributes.int('end', dims.length)));
};

const size: Kernel = ({ node }) => {
  const dims = node.inputs[0]?.shape;
  if (dims === undefined || !dims.every((dim) => typeof dim === 'number')) return undefined;
  return knownInts([elementCount(dims as number[])], []);
};

const squeeze: Kernel = (call) => {
  const [x] = call.inputs;
  const axes = intsArgument(call, 1, 'axes');
  if (x === undefined || axes === undefined) return undefined;
  const given = call.node.inputs[1] !== undefined || call.node.attributes.has('axes');
  const drop = given ? normalAxes(axes, x.dims.length) : x.dims.flatMap((dim, i) => (dim === 1 ? [i] : []));
  return (
    drop &&
    redimensioned(
      x,
      x.dims.filter((_, i) => !drop.includes(i)),
    )
  );
};

const unsqueeze: Kernel = (call) => {
  const [x] = call.inputs;
  const axes = intsArgument(call, 1, 'axes');
  if (x === undefined || axes === undefined) return undefined;
  const rank = x.dims.length + axes.length;
  const added = normalAxes(axes, rank);
  if (added === undefined) return undefined;
  const rest = x.dims[Symbol.iterator]();
  const dims = Array.from({ length: rank }, (_, i) => (added.includes(i) ? 1 : (rest.next().value ?? 1)));
  return redimensioned(x, dims);
};

const reshape: Kernel = (call) => {
  const [x] = call.inputs;
  const target = intsArgument(call, 1, 'shape');
  if (x === undefined || target === undefined) return undefined;
  const dims = reshapedDims(x.dims, target, call.node.attributes.int('allowzero', 0) !== 0);
  return dims.every((dim) => typeof dim === 'number') ? redimensioned(x, dims as number[]) : undefined;
};

const flatten: Kernel = ({ node, inputs: [x] }) => {
  if (x === undefined) return undefined;
  const axis = node.attributes.int('axis', 1);
  const split = axis < 0 ? axis + x.dims.length : axis;
  return redimensioned(x, [elementCount(x.dims.slice(0, split)), elementCount(x.dims.slice(split))]);
};

const transpose: Kernel = ({ node, inputs: [x] }) => {
  if (x === undefined) return undefined;
  const perm = node.attributes.ints('perm') ?? x.dims.map((_, i) => x.dims.length - 1 - i);
  const strides = stridesOf(x.dims);
  const dims = perm.map((axis) => x.dims[axis]!);
  return picked(
    x,
    dims,
    walk(dims, (axis) => strides[perm[axis]!]!),
  );
};

const gather: Kernel = ({ node, inputs: [x, at], limit }) => {
  const indices = allNumbers(at);
  const axis = x && normalAxis(node.attributes.int('axis', 0), x.dims.length);
  if (x === undefined || at === undefined || indices === undefined || axis === undefined) return undefined;
  const length = x.dims[axis]!;
  const normal = indices.map((index) => (index < 0 ? index + length : index));
  if (normal.some((index) => index < 0 || index >= length)) return undefined;
  const outer = elementCount(x.dims.slice(0, axis));
  const inner = elementCount(x.dims.slice(axis + 1));
  if (outer * normal.length * inner > limit) return undefined;
  const elements: Element[] = [];
  for (let o = 0; o < outer; o++)
    for (const index of normal)
      for (let i = 0; i < inner; i++) elements.push(x.elements[(o * length + index) * inner + i]);
  return {
    dtype: x.dtype,
    dims: [...x.dims.slice(0, axis), ...at.dims, ...x.dims.slice(axis + 1)],
    elements,
  };
};

const slice: Kernel = (call) => {
  const [x] = call.inputs;
  const axes = x && slicedAxes(call, x.dims);
  if (x === undefined || axes === undefined) return undefined;
  const strides = stridesOf(x.dims);
  const dims = axes.map(({ length }) => length as number);
  const start = axes.reduce((offset, { start: first }, axis) => offset + first * strides[axis]!, 0);
  return picked(
    x,
    dims,
    walk(dims, (axis) => strides[axis]! * axes[axis]!.step, start),
  );
};

const concat: Kernel = ({ node, inputs, limit }) => {
  const parts = inputs.filter((input) => input !== undefined);
  const [first] = parts;
  if (first === undefined || parts.length !== inputs.length) return undefined;
  const axis = normalAxis(node.attributes.int('axis', 0), first.dims.length);
  if (axis === undefined || parts.reduce((sum, { elements }) => sum + elements.length, 0) > limit)
    return undefined;
  const outer = elementCount(first.dims.slice(0, axis));
  const elements: Element[] = [];
  for (let o = 0; o < outer; o++) {
    for (const part of parts) {
      const block = part.elements.length / outer;
      for (let i = 0; i < block; i++) elements.push(part.elements[o * block + i]);
    }
  }
  const along = parts.reduce((sum, { dims }) => sum + dims[axis]!, 0);
  return { dtype: first.dtype, dims: first.dims.map((dim, i) => (i === axis ? along : dim)), elements };
};

const identity: Kernel = ({ inputs: [x] }) => x;

/** Kernels that move elements or make shapes. */
export const SHAPE_KERNELS: Readonly<Record<string, Kernel>> = {
  Shape: shape,
  Size: size,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Reshape: reshape,
  Flatten: flatten,
  Transpose: transpose,
  Gather: gather,
  Slice: slice,
  Concat: concat,
  Identity: identity,
};
