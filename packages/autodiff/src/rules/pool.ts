import type { Value } from '@bitwright/graph';
import { type GradientBuilder, type Sizes, sizesOf, unsupported, type Vjp } from '../gradient-builder.js';
import { placesOf, unread, type Window, windowOf } from './window.js';

/** y = mean over all positions of a channel: each gets g / positions. */
export const globalAveragePoolVjp: Vjp = ({ node, grad, build }) => {
  const sizes = sizesOf(node.inputs[0]!);
  const positions = sizes.slice(2).reduce((product, size) => product * size, 1);
  const share = build.op('Mul', [grad, build.scalar(1 / positions)]);
  return [build.op('Expand', [share, build.ints(sizes)])];
};

/** y[p] = sum of the x in its window / their number: g / number goes back to each of them. */
export const averagePoolVjp: Vjp = ({ node, grad, build }) => {
  const { window, channels, spatial, places } = poolForm(node.inputs[0]!, node.outputs[0]!, node);
  const divisors = new Float32Array(places.reduce((product, size) => product * size, 1));
  const includesPads = node.attributes.int('count_include_pad', 0) !== 0;
  for (const [i, position] of placesOf(places).entries())
    divisors[i] =
      1 / position.reduce((n, at, axis) => n * reached(window, spatial, at, axis, includesPads), 1);
  const shares = build.op('Mul', [grad, build.floats(divisors, [1, 1, ...places])]);
  const ones = build.floats(new Float32Array(channels * placesOf(window.kernel).length).fill(1), [
    channels,
    1,
    ...window.kernel,
  ]);
  return [scatter(build, shares, ones, channels, window, unread(window, spatial, places))];
};

/**
 * y[p] = the largest x in its window, which alone gets the gradient; several equal ones share it.
 *
 * The window's values are laid side by side by a convolution with one-hot weights and go back by its transpose.
 */
export const maxPoolVjp: Vjp = ({ node, grad, build }) => {
  const [x, y] = [node.inputs[0]!, node.outputs[0]!];
  const { window, channels, spatial, places } = poolForm(x, y, node);
  if (node.attributes.int('storage_order', 0) !== 0) throw unsupported(node, 'it stores columns first');
  const { kernel, strides, dilations, before, behind } = window;
  const count = placesOf(kernel).length;
  const oneHot = new Float32Array(channels * count * count);
  for (let i = 0; i < channels * count; i++) oneHot[i * count + (i % count)] = 1;
  const weights = build.floats(oneHot, [channels * count, 1, ...kernel]);
  const batch = sizesOf(x)[0]!;
  const pads = [0, 0, ...before, 0, 0, ...behind];
  const padded = pads.some((amount) => amount > 0)
    ? build.op('Pad', [x, build.ints(pads), build.scalar(LOWEST)])
    : x;
  const patches = build.op('Conv', [padded, weights], {
    group: channels,
    strides: [...strides],
    dilations: [...dilations],
  });
  const [side, single] = [
    [batch, channels, count, ...places],
    [batch, channels, 1, ...places],
  ];
  const found = build.mask(build.op('Equal', [build.reshape(patches, side), build.reshape(y, single)]));
  const shares = build.op('Div', [build.reshape(grad, single), build.sum(found, [2])]);
  const parts = build.reshape(build.op('Mul', [found, shares]), [batch, channels * count, ...places]);
  return [scatter(build, parts, weights, channels, window, unread(window, spatial, places))];
};

/** Below every activation, and small enough that zero times it is zero. */
const LOWEST = Math.fround(-3e38);

interface PoolForm {
  readonly window: Window;
  readonly channels: number;
  readonly spatial: Sizes;
  readonly places: Sizes;
}

function poolForm(x: Value, y: Value, node: Parameters<Vjp>[0]['node']): PoolForm {
  const [, channels, ...spatial] = sizesOf(x) as [number, number, ...number[]];
  const places = sizesOf(y).slice(2);
  const kernel = node.attributes.ints('kernel_shape') ?? [];
  return { window: windowOf(node, kernel, spatial, places), channels, spatial, places };
}

/** How many elements of one axis a window at position `at` averages. */
function reached(window: Window, spatial: Sizes, at: number, axis: number, includesPads: boolean): number {
  if (includesPads) return window.kernel[axis]!;
  let count = 0;
  for (let k = 0; k < window.kernel[axis]!; k++) {
    const place = at * window.strides[axis]! + k * window.dilations[axis]! - window.before[axis]!;
    if (place >= 0 && place < spatial[axis]!) count++;
  }
  return count;
}

function scatter(
  build: GradientBuilder,
  parts: Value,
  weights: Value,
  channels: number,
  window: Window,
  rest: readonly number[],
): Value {
  return build.op('ConvTranspose', [parts, weights], {
    group: channels,
    strides: [...window.strides],
    dilations: [...window.dilations],
    pads: [...window.before, ...window.behind],
    output_padding: [...rest],
  });
}
