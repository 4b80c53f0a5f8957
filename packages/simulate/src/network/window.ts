import type { OpNode } from '@bitwright/graph';
import type { Window } from './integer-network.js';

/** The window of a Conv or pooling operator; undefined where padding depends on the input's size. */
export function windowOf(node: OpNode, kernelDims: readonly number[]): Window | undefined {
  const { attributes } = node;
  const kernel = attributes.ints('kernel_shape') ?? kernelDims;
  const rank = kernel.length;
  const ones = new Array<number>(rank).fill(1);
  const autoPad = attributes.string('auto_pad', 'NOTSET');
  if (autoPad !== 'NOTSET' && autoPad !== 'VALID') return undefined;
  return {
    kernel,
    strides: attributes.ints('strides') ?? ones,
    dilations: attributes.ints('dilations') ?? ones,
    pads: attributes.ints('pads') ?? new Array<number>(rank * 2).fill(0),
  };
}

/** The sizes that a window gives for the spatial sizes of its input. */
export function slide(sizes: readonly number[], window: Window, ceil = false): number[] {
  const rank = window.kernel.length;
  return sizes.map((size, i) => {
    const reach = window.dilations[i]! * (window.kernel[i]! - 1) + 1;
    const begin = window.pads[i]!;
    const room = size + begin + window.pads[i + rank]! - reach;
    const stride = window.strides[i]!;
    if (!ceil) return Math.floor(room / stride) + 1;
    const count = Math.ceil(room / stride) + 1;
    // a window that would begin in the padding at the end is left out
    return (count - 1) * stride >= size + begin ? count - 1 : count;
  });
}
