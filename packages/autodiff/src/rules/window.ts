import type { OpNode } from '@bitwright/graph';
import { type Sizes, unsupported } from '../gradient-builder.js';

/** How a window moves over the spatial axes of a tensor. */
export interface Window {
  readonly kernel: Sizes;
  readonly strides: Sizes;
  readonly dilations: Sizes;
  readonly before: Sizes;
  readonly behind: Sizes;
}

/** The window of a convolution or pooling operator, its automatic padding worked out. @param input spatial sizes. */
export function windowOf(node: OpNode, kernel: Sizes, input: Sizes, output: Sizes): Window {
  const { attributes } = node;
  const rank = kernel.length;
  const strides = attributes.ints('strides') ?? kernel.map(() => 1);
  const dilations = attributes.ints('dilations') ?? kernel.map(() => 1);
  const auto = attributes.string('auto_pad', 'NOTSET');
  if (attributes.int('ceil_mode', 0) !== 0) throw unsupported(node, 'it rounds sizes up (ceil_mode)');
  if (auto === 'NOTSET' || auto === 'VALID') {
    const pads =
      (auto === 'NOTSET' ? attributes.ints('pads') : undefined) ?? new Array<number>(2 * rank).fill(0);
    return { kernel, strides, dilations, before: pads.slice(0, rank), behind: pads.slice(rank) };
  }
  const totals = kernel.map((size, i) =>
    Math.max(0, (output[i]! - 1) * strides[i]! + (size - 1) * dilations[i]! + 1 - input[i]!),
  );
  const small = totals.map((total) => Math.floor(total / 2));
  const large = totals.map((total, i) => total - small[i]!);
  const upper = auto === 'SAME_UPPER';
  return { kernel, strides, dilations, before: upper ? small : large, behind: upper ? large : small };
}

/** How many elements behind the last window are read by none: what ConvTranspose calls its output padding. */
export function unread(window: Window, input: Sizes, output: Sizes): number[] {
  const { kernel, strides, dilations, before, behind } = window;
  return kernel.map(
    (size, i) =>
      input[i]! + before[i]! + behind[i]! - ((output[i]! - 1) * strides[i]! + (size - 1) * dilations[i]! + 1),
  );
}

/** Every place inside a window, in row-major order. */
export function placesOf(kernel: Sizes): number[][] {
  let places: number[][] = [[]];
  for (const size of kernel)
    places = places.flatMap((place) => Array.from({ length: size }, (_, i) => [...place, i]));
  return places;
}
