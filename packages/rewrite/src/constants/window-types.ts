import type { Dim, OpNode } from '@bitwright/graph';
import type { Shape } from './dims.js';

/** The spatial sizes behind a convolution or pooling window. */
export function windowedDims(node: OpNode, spatial: readonly Dim[], kernel: readonly Dim[]): Dim[] {
  const { attributes } = node;
  const rank = spatial.length;
  const strides = attributes.ints('strides') ?? new Array<number>(rank).fill(1);
  const dilations = attributes.ints('dilations') ?? new Array<number>(rank).fill(1);
  const pads = attributes.ints('pads') ?? new Array<number>(2 * rank).fill(0);
  const autoPad = attributes.string('auto_pad', 'NOTSET');
  const ceil = attributes.int('ceil_mode', 0) !== 0;
  return spatial.map((size, i) => {
    const window = kernel[i];
    const stride = strides[i] ?? 1;
    if (typeof size !== 'number' || typeof window !== 'number') return undefined;
    if (autoPad.startsWith('SAME')) return Math.ceil(size / stride);
    const padding = autoPad === 'VALID' ? 0 : (pads[i] ?? 0) + (pads[i + rank] ?? 0);
    const span = (size + padding - (dilations[i] ?? 1) * (window - 1) - 1) / stride;
    if (!ceil) return Math.floor(span) + 1;
    const count = Math.ceil(span) + 1;
    // A window that begins in the end padding is left out.
    return (count - 1) * stride >= size + (pads[i] ?? 0) ? count - 1 : count;
  });
}

/** The shape that Conv makes. */
export function convShape(node: OpNode, x: Shape, w: Shape): Shape {
  if (x === undefined || w === undefined) return undefined;
  const kernel = node.attributes.ints('kernel_shape') ?? w.slice(2);
  return [x[0], w[0], ...windowedDims(node, x.slice(2), kernel)];
}

/** The shape that ConvTranspose makes. */
export function convTransposeShape(node: OpNode, x: Shape, w: Shape): Shape {
  if (x === undefined || w === undefined) return undefined;
  const { attributes } = node;
  const spatial = x.slice(2);
  const rank = spatial.length;
  const group = attributes.int('group', 1);
  const channels = typeof w[1] === 'number' ? w[1] * group : undefined;
  const fixed = attributes.ints('output_shape');
  if (fixed !== undefined) return [x[0], channels, ...fixed.slice(-rank)];
  const kernel = attributes.ints('kernel_shape') ?? w.slice(2);
  const at = (name: string, index: number, fallback: number) => attributes.ints(name)?.[index] ?? fallback;
  const autoPad = attributes.string('auto_pad', 'NOTSET');
  const dims = spatial.map((size, i) => {
    const window = kernel[i];
    const stride = at('strides', i, 1);
    if (typeof size !== 'number' || typeof window !== 'number') return undefined;
    if (autoPad.startsWith('SAME')) return size * stride;
    const padding = autoPad === 'VALID' ? 0 : at('pads', i, 0) + at('pads', i + rank, 0);
    return (
      stride * (size - 1) + at('output_padding', i, 0) + (window - 1) * at('dilations', i, 1) + 1 - padding
    );
  });
  return [x[0], channels, ...dims];
}

/** The shape that a pooling operator with a window makes. */
export function poolShape(node: OpNode, x: Shape): Shape {
  const kernel = node.attributes.ints('kernel_shape');
  if (x === undefined || kernel === undefined) return undefined;
  return [x[0], x[1], ...windowedDims(node, x.slice(2), kernel)];
}
