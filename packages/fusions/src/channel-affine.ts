import { floatData, LazyTensor, type Tensor } from '@bitwright/core';
import type { GetAttrNode, OpNode } from '@bitwright/graph';
import { type Rejection, reject } from '@bitwright/rewrite';

/** An affine map of each channel on its own, in double precision: y[c] = scale[c] * x[c] + shift[c]. */
export interface ChannelAffine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** The initializers of a batch normalization. */
export interface BatchNormConstants {
  readonly gamma: GetAttrNode;
  readonly beta: GetAttrNode;
  readonly mean: GetAttrNode;
  readonly variance: GetAttrNode;
}

/**
 * A batch normalization at inference as an affine map: scale = gamma / sqrt(variance + epsilon), shift = beta - mean * scale.
 *
 * @returns a rejection for one that still trains, is not float32, is not per channel, or has no finite scale.
 */
export function batchNormAffine(bn: OpNode, constants: BatchNormConstants): ChannelAffine | Rejection {
  const { gamma, beta, mean, variance } = constants;
  if (bn.attributes.int('training_mode', 0) !== 0 || bn.outputs.some(({ name }, i) => i > 0 && name !== ''))
    return reject('RULE_TRAINING_MODE', 'the batch normalization still computes its statistics', bn);
  if (bn.attributes.int('spatial', 1) !== 1)
    return reject(
      'RULE_NOT_PER_CHANNEL',
      'the batch normalization has a mean for each element (spatial = 0)',
      bn,
    );
  const channels = gamma.tensor.dims[0] ?? 0;
  for (const node of [gamma, beta, mean, variance]) {
    const wrong = notFloat(node);
    if (wrong !== undefined) return wrong;
    if (node.tensor.dims.length !== 1 || node.tensor.dims[0] !== channels)
      return reject('RULE_NOT_PER_CHANNEL', `'${node.output.name}' has not one value a channel`, node);
  }
  const scale = new Float64Array(channels);
  const shift = new Float64Array(channels);
  const [g, b, m, v] = [gamma, beta, mean, variance].map(({ tensor }) => floatData(tensor));
  const epsilon = bn.attributes.float('epsilon', Math.fround(1e-5));
  for (let c = 0; c < channels; c++) {
    scale[c] = g![c]! / Math.sqrt(v![c]! + epsilon);
    shift[c] = b![c]! - m![c]! * scale[c]!;
    if (!Number.isFinite(scale[c]) || !Number.isFinite(shift[c]))
      return reject('RULE_NOT_FINITE', `channel ${c} of the batch normalization has no finite scale`, bn);
  }
  return { scale, shift };
}

/** A rejection when an initializer is not float32; undefined when it is. */
export function notFloat(node: GetAttrNode): Rejection | undefined {
  if (node.tensor.dtype === 'float') return undefined;
  return reject(
    'RULE_DTYPE',
    `'${node.output.name}' is ${node.tensor.dtype}, and only float is folded`,
    node,
  );
}

/** How a weight tensor is laid out around its output channels: [outer, channels in a block, inner]. */
export interface WeightLayout {
  readonly outer: number;
  readonly count: number;
  readonly inner: number;
  /** The output channel of the first element of a block. */
  firstChannel(block: number): number;
}

/** A weight with each output channel multiplied by its scale: double precision, rounded once to float32, made on first use. */
export function scaleWeight(weight: Tensor, layout: WeightLayout, { scale }: ChannelAffine): Tensor {
  return new LazyTensor('float', weight.dims, () => {
    const data = floatData(weight);
    const scaled = new Float32Array(data.length);
    const { outer, count, inner } = layout;
    for (let block = 0, i = 0; block < outer; block++) {
      const first = layout.firstChannel(block);
      for (let c = 0; c < count; c++) {
        const factor = scale[first + c]!;
        for (let k = 0; k < inner; k++, i++) scaled[i] = data[i]! * factor;
      }
    }
    return scaled;
  });
}

/** A bias (none: zero) after an affine map: scale * factor * b + shift, in double precision, rounded once to float32. */
export function mapBias(bias: Tensor | undefined, { scale, shift }: ChannelAffine, factor = 1): Tensor {
  return new LazyTensor('float', [scale.length], () => {
    const data = bias && floatData(bias);
    return Float32Array.from(shift, (offset, c) => {
      const b = data === undefined ? 0 : data[data.length === 1 ? 0 : c]!;
      return scale[c]! * factor * b + offset;
    });
  });
}

/** A name for the bias that goes with a weight: `conv1.weight` -> `conv1.bias`. */
export function biasName(weight: GetAttrNode, bias: GetAttrNode | undefined): string {
  if (bias !== undefined) return bias.output.name;
  const { name } = weight.output;
  return /weight$/.test(name) ? name.replace(/weight$/, 'bias') : `${name}_bias`;
}
