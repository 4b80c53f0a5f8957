import type { Value } from '@bitwright/graph';
import { type GradientBuilder, type Sizes, sizesOf, type Vjp, type VjpCall } from '../gradient-builder.js';
import { placesOf, unread, type Window, windowOf } from './window.js';

/**
 * Convolution y[n,o,p] = b[o] + sum over c, k of w[o,c,k] x[n,c, s p + d k - before]; with g the gradient of y:
 *
 *   dx[n,c,q]   = sum of w[o,c,k] g[n,o,p] over the o, k, p with s p + d k - before = q: a transposed convolution; for s = 1
 *                 a convolution of g with the weights mirrored and their channel axes swapped, which runs faster
 *   dw[o,c,k]   = sum over n, p of g[n,o,p] x[n,c, s p + d k - before]: for each place k of the window one product of g, laid
 *                 out [O, N P], with the x that the place saw, laid out [C, N P]
 *   db[o]       = sum over n, p of g
 */
export const convVjp: Vjp = (call) => {
  const [x, w, b] = call.node.inputs as [Value, Value, Value | undefined];
  const { build, grad, wanted } = call;
  const form = formOf(call, x, w);
  const axes = [0, ...form.spatial.map((_, i) => i + 2)];
  return [
    wanted[0] ? inputGradient(build, grad, w, form) : undefined,
    wanted[1] ? weightGradient(build, grad, x, form) : undefined,
    wanted[2] && b ? build.reshape(build.sum(grad, axes), [form.outputs]) : undefined,
  ];
};

interface ConvForm {
  readonly window: Window;
  readonly batch: number;
  readonly groups: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Spatial sizes of input and output. */
  readonly spatial: Sizes;
  readonly places: Sizes;
}

function formOf({ node }: VjpCall, x: Value, w: Value): ConvForm {
  const [batch, inputs, ...spatial] = sizesOf(x) as [number, number, ...number[]];
  const places = sizesOf(node.outputs[0]!).slice(2);
  const [outputs, , ...kernel] = sizesOf(w) as [number, number, ...number[]];
  const window = windowOf(node, kernel, spatial, places);
  return { window, batch, groups: node.attributes.int('group', 1), inputs, outputs, spatial, places };
}

function inputGradient(build: GradientBuilder, grad: Value, w: Value, form: ConvForm): Value {
  const { window, groups, spatial, places } = form;
  const { kernel, strides, dilations, before, behind } = window;
  const reach = kernel.map((size, i) => (size - 1) * dilations[i]!);
  const rest = unread(window, spatial, places);
  const pads = [...reach.map((r, i) => r - before[i]!), ...reach.map((r, i) => r - behind[i]!)];
  const mirrored = strides.every((stride) => stride === 1) && pads.every((amount) => amount >= 0);
  if (mirrored && rest.every((amount) => amount === 0)) {
    return build.op('Conv', [grad, mirroredWeights(build, w, form)], {
      group: groups,
      pads,
      dilations: [...dilations],
      kernel_shape: [...kernel],
    });
  }
  return build.op('ConvTranspose', [grad, w], {
    group: groups,
    strides: [...strides],
    dilations: [...dilations],
    pads: [...before, ...behind],
    output_padding: rest,
    kernel_shape: [...kernel],
  });
}

/** Weights [O, C/G, k] as [C, O/G, k], mirrored along each axis of k. */
function mirroredWeights(build: GradientBuilder, w: Value, form: ConvForm): Value {
  const { window, groups, inputs, outputs } = form;
  const { kernel } = window;
  const axes = kernel.map((_, i) => i + 2);
  const flipped = kernel.every((size) => size === 1)
    ? w
    : build.slice(
        w,
        axes,
        axes.map(() => -1),
        kernel.map((size) => -size - 1),
        axes.map(() => -1),
      );
  if (groups === 1) return build.op('Transpose', [flipped], { perm: [1, 0, ...axes] });
  const split = build.reshape(flipped, [groups, outputs / groups, inputs / groups, ...kernel]);
  const swapped = build.op('Transpose', [split], { perm: [0, 2, 1, ...axes.map((axis) => axis + 1)] });
  return build.reshape(swapped, [inputs, outputs / groups, ...kernel]);
}

function weightGradient(build: GradientBuilder, grad: Value, x: Value, form: ConvForm): Value {
  const { window, groups, inputs, outputs, spatial } = form;
  const { kernel, before, behind } = window;
  const axes = spatial.map((_, i) => i + 2);
  const channelsFirst = (value: Value): Value => build.op('Transpose', [value], { perm: [1, 0, ...axes] });
  const left = build.reshape(channelsFirst(grad), rowsOf(groups, outputs / groups));
  const pads = [0, 0, ...before, 0, 0, ...behind];
  const wide = pads.some((amount) => amount > 0)
    ? build.op('Pad', [channelsFirst(x), build.ints(pads), build.scalar(0)])
    : channelsFirst(x);
  const products = placesOf(kernel).map((place) => {
    const seen = build.reshape(seenAt(build, wide, place, form), rowsOf(groups, inputs / groups));
    return build.reshape(rowProducts(build, left, seen, form), [1, outputs, inputs / groups]);
  });
  const stacked = products.length === 1 ? products[0]! : build.op('Concat', products, { axis: 0 });
  const ordered = build.op('Transpose', [stacked], { perm: [1, 2, 0] });
  return build.reshape(ordered, [outputs, inputs / groups, ...kernel]);
}

/** [rows, everything else], by group where there are several. */
function rowsOf(groups: number, rows: number): number[] {
  return groups === 1 ? [rows, -1] : [groups, rows, -1];
}

/** What one place of the window sees of the padded input at every position. */
function seenAt(build: GradientBuilder, wide: Value, place: readonly number[], form: ConvForm): Value {
  const { window, spatial, places } = form;
  const { strides, dilations, before, behind } = window;
  const starts = place.map((k, i) => k * dilations[i]!);
  const ends = starts.map((start, i) => start + (places[i]! - 1) * strides[i]! + 1);
  const whole = starts.every(
    (start, i) => start === 0 && strides[i] === 1 && ends[i] === spatial[i]! + before[i]! + behind[i]!,
  );
  if (whole) return wide;
  return build.slice(
    wide,
    place.map((_, i) => i + 2),
    starts,
    ends,
    strides,
  );
}

/** L R^T, by group; a depthwise group is a dot product of two rows. */
function rowProducts(build: GradientBuilder, left: Value, right: Value, form: ConvForm): Value {
  const { groups, inputs, outputs } = form;
  if (groups === 1) return build.op('Gemm', [left, right], { transB: 1 });
  if (inputs === groups && outputs === groups) return build.sum(build.op('Mul', [left, right]), [2]);
  return build.op('MatMul', [left, build.op('Transpose', [right], { perm: [0, 2, 1] })]);
}
