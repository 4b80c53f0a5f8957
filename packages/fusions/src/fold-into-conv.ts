import type { GetAttrNode, OpNode, Value } from '@bitwright/graph';
import { type Rejection, type Rewriter, reject } from '@bitwright/rewrite';
import {
  biasName,
  type ChannelAffine,
  mapBias,
  notFloat,
  scaleWeight,
  type WeightLayout,
} from './channel-affine.js';

/** A convolution with constant weights, as patterns capture it. */
export interface ConvParts {
  /** Conv or ConvTranspose. */
  readonly conv: OpNode;
  readonly x: Value;
  readonly w: GetAttrNode;
  readonly b: GetAttrNode | undefined;
}

/** How many channels a convolution makes. */
export function outputChannels({ conv, w }: Pick<ConvParts, 'conv' | 'w'>): number {
  const [first = 0, second = 0] = w.tensor.dims;
  return conv.opType === 'ConvTranspose' ? second * conv.attributes.int('group', 1) : first;
}

/** A rejection when an affine map of so many channels cannot be folded into a convolution; undefined when it can. */
export function cannotFoldIntoConv(parts: ConvParts, channels: number): Rejection | undefined {
  const { conv, w, b } = parts;
  const made = outputChannels(parts);
  if (made !== channels)
    return reject(
      'RULE_CHANNELS',
      `${conv.displayName} makes ${made} channels and ${channels} are mapped`,
      conv,
    );
  if (b !== undefined && (b.tensor.dims.length !== 1 || b.tensor.dims[0] !== made))
    return reject('RULE_CHANNELS', `the bias '${b.output.name}' has not one value a channel`, b);
  return notFloat(w) ?? (b && notFloat(b));
}

/** The convolution with an affine map of its result folded into weight and bias. */
export function foldIntoConv(r: Rewriter, parts: ConvParts, affine: ChannelAffine, name?: string): Value {
  const { conv, x, w, b } = parts;
  const weight = r.constant(w.output.name, scaleWeight(w.tensor, layoutOf(parts), affine));
  const bias = r.constant(biasName(w, b), mapBias(b?.tensor, affine));
  const opType = conv.opType === 'ConvTranspose' ? 'ConvTranspose' : 'Conv';
  return r.createOp(opType, [x, weight, bias], conv.attributes, name === undefined ? {} : { name }).output;
}

/** Conv: [out, in / groups, kernel]. ConvTranspose: [in, out / groups, kernel], where a group's inputs make its outputs. */
function layoutOf({ conv, w }: ConvParts): WeightLayout {
  const [first = 0, second = 0, ...kernel] = w.tensor.dims;
  const area = kernel.reduce((product, size) => product * size, 1);
  if (conv.opType !== 'ConvTranspose')
    return { outer: 1, count: first, inner: second * area, firstChannel: () => 0 };
  const inputsPerGroup = first / conv.attributes.int('group', 1);
  return {
    outer: first,
    count: second,
    inner: area,
    firstChannel: (input) => Math.floor(input / inputsPerGroup) * second,
  };
}
