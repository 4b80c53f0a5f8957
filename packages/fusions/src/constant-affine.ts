import { floatData, type Tensor } from '@bitwright/core';
import type { GetAttrNode, OpNode } from '@bitwright/graph';
import { type Rejection, reject } from '@bitwright/rewrite';
import { type ChannelAffine, notFloat } from './channel-affine.js';

/**
 * Arithmetic of a layer's result with a constant as an affine map of its channels.
 *
 *     y + c, y * c, y - c, y / c    and, where the constant stands first,    c - y    (c / y is none)
 *
 * @param channelFromEnd where the channel axis lies in the result, counted from its end: 1 is the last axis.
 * @param rank of the result; the constant must not have more axes.
 */
export function constantAffine(
  arithmetic: OpNode,
  c: GetAttrNode,
  channels: number,
  channelFromEnd: number,
  rank: number,
): ChannelAffine | Rejection {
  const wrong = notFloat(c);
  if (wrong !== undefined) return wrong;
  const values = perChannel(c.tensor, channels, channelFromEnd, rank);
  if (values === undefined)
    return reject(
      'RULE_NOT_PER_CHANNEL',
      `'${c.output.name}' of shape [${c.tensor.dims.join(', ')}] has not one value for each of the ${channels} channels`,
      c,
    );
  const first = arithmetic.inputs[0] === c.output;
  const affine = affineOf(arithmetic.opType, values, first);
  if (!affine.scale.every(Number.isFinite) || !affine.shift.every(Number.isFinite))
    return reject('RULE_NOT_FINITE', `'${c.output.name}' gives a channel no finite scale`, c);
  return affine;
}

/** `c / y` is no affine map of y; no rule asks for it. */
function affineOf(opType: string, values: Float64Array, constantFirst: boolean): ChannelAffine {
  const ones = new Float64Array(values.length).fill(1);
  const zeros = new Float64Array(values.length);
  switch (opType) {
    case 'Add':
      return { scale: ones, shift: values };
    case 'Mul':
      return { scale: values, shift: zeros };
    case 'Sub':
      return constantFirst
        ? { scale: ones.map(() => -1), shift: values }
        : { scale: ones, shift: values.map((value) => -value) };
    default:
      return { scale: values.map((value) => 1 / value), shift: zeros };
  }
}

/** One value for each channel of a constant that broadcasts along all other axes; undefined for another shape. */
function perChannel(
  tensor: Tensor,
  channels: number,
  channelFromEnd: number,
  rank: number,
): Float64Array | undefined {
  const { dims } = tensor;
  const at = dims.length - channelFromEnd;
  if (dims.length > rank || dims.some((dim, axis) => axis !== at && dim !== 1)) return undefined;
  const size = dims[at] ?? 1;
  if (size !== channels && size !== 1) return undefined;
  const data = floatData(tensor);
  return Float64Array.from({ length: channels }, (_, channel) => data[size === 1 ? 0 : channel]!);
}
