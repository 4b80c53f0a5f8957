import { integerData } from '@bitwright/core';
import { constantTensor, type OpNode, type Value } from '@bitwright/graph';
import { sizesOf, unsupported, type Vjp } from '../gradient-builder.js';

/*
 * Operators that only move values: the gradient moves back.
 *
 *   reshape, flatten, squeeze, unsqueeze   the input's shape again
 *   transpose by p                         transpose by the inverse of p
 *   concat                                 each operand's own part
 *   pad with zeros (or any constant)       the part that was inside
 *   slice with steps > 0                   zeros in between, before and behind
 */

export const reshaping: Vjp = ({ node, grad, build }) => [build.reshape(grad, sizesOf(node.inputs[0]!))];

export const transpose: Vjp = ({ node, grad, build }) => {
  const rank = sizesOf(node.outputs[0]!).length;
  const perm = node.attributes.ints('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  const inverse = new Array<number>(rank);
  for (const [i, axis] of perm.entries()) inverse[axis] = i;
  return [build.op('Transpose', [grad], { perm: inverse })];
};

export const concat: Vjp = ({ node, grad, wanted, build }) => {
  const rank = sizesOf(node.outputs[0]!).length;
  const axis = node.attributes.int('axis', 0);
  const normal = axis < 0 ? axis + rank : axis;
  let start = 0;
  return node.inputs.map((value, i) => {
    const from = start;
    start += sizesOf(value!)[normal]!;
    return wanted[i] ? build.slice(grad, [normal], [from], [start]) : undefined;
  });
};

export const pad: Vjp = ({ node, grad, build }) => {
  const mode = node.attributes.string('mode', 'constant');
  if (mode !== 'constant') throw unsupported(node, `it pads in the mode '${mode}'`);
  const sizes = sizesOf(node.inputs[0]!);
  const pads = intsOf(node, 1);
  const axes = axesOf(node, 3, sizes.length);
  if (pads.some((amount) => amount < 0)) throw unsupported(node, 'it crops');
  const starts = axes.map((_, i) => pads[i]!);
  return [build.slice(grad, axes, starts, sliceEnds(starts, axes, sizes))];
};

export const slice: Vjp = ({ node, grad, build }) => {
  const sizes = sizesOf(node.inputs[0]!);
  const taken = sizesOf(node.outputs[0]!);
  const starts = intsOf(node, 1);
  const axes = node.inputs[3] ? axesOf(node, 3, sizes.length) : starts.map((_, i) => i);
  const steps = node.inputs[4] ? intsOf(node, 4) : starts.map(() => 1);
  if (steps.some((step) => step < 1)) throw unsupported(node, 'it steps backwards');
  let value = grad;
  const dims = [...taken];
  const before = sizes.map(() => 0);
  for (const [i, axis] of axes.entries()) {
    const size = sizes[axis]!;
    const start = starts[i]!;
    before[axis] = Math.min(Math.max(start < 0 ? start + size : start, 0), size);
    const step = steps[i]!;
    if (step === 1) continue;
    // [.., m, ..] to [.., m, 1, ..] to [.., m, step, ..] to [.., m * step, ..]
    const inner = [...dims.slice(0, axis + 1), 1, ...dims.slice(axis + 1)];
    const behind = [...inner.map(() => 0), ...inner.map((_, at) => (at === axis + 1 ? step - 1 : 0))];
    dims[axis] = dims[axis]! * step;
    value = build.reshape(
      build.op('Pad', [build.reshape(value, inner), build.ints(behind), build.scalar(0)]),
      dims,
    );
  }
  // the last step may reach past the end of the input
  const room = sizes.map((size, i) => size - before[i]!);
  const long = dims.flatMap((size, i) => (size > room[i]! ? [i] : []));
  if (long.length > 0)
    value = build.slice(
      value,
      long,
      long.map(() => 0),
      long.map((axis) => room[axis]!),
    );
  const missing = sizes.map((_, i) => room[i]! - Math.min(dims[i]!, room[i]!));
  if ([...before, ...missing].every((amount) => amount === 0)) return [value];
  return [build.op('Pad', [value, build.ints([...before, ...missing]), build.scalar(0)])];
};

function sliceEnds(starts: readonly number[], axes: readonly number[], sizes: readonly number[]): number[] {
  return starts.map((start, i) => start + sizes[axes[i]!]!);
}

/** The integers of a constant input. @throws AUTODIFF_UNSUPPORTED when it is computed. */
export function intsOf(node: OpNode, index: number): number[] {
  const value: Value | undefined = node.inputs[index];
  const tensor = constantTensor(value);
  if (tensor === undefined) throw unsupported(node, `its input ${index} is not a constant`);
  return integerData(tensor);
}

/** The axes that a constant input names, counted from the front; all of them without one. */
export function axesOf(node: OpNode, index: number, rank: number): number[] {
  if (node.inputs[index] === undefined) return Array.from({ length: rank }, (_, i) => i);
  return intsOf(node, index).map((axis) => (axis < 0 ? axis + rank : axis));
}
