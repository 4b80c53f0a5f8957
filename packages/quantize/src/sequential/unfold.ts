import { DenseTensor, int64Tensor, type Tensor } from '@bitwright/core';
import { type AttributeInit, Attributes, type Graph, type OpNode, type Value } from '@bitwright/graph';

/** Adds operators at the end of a graph, in the way that a formula is written. */
export class GraphWriter {
  constructor(readonly graph: Graph) {}

  op(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, AttributeInit | undefined>> = {},
  ): Value {
    return this.graph.createOp({ opType, inputs, attributes }).output;
  }

  constant(tensor: Tensor): Value {
    return this.graph.getAttr('constant', tensor).output;
  }

  ints(...values: number[]): Value {
    return this.constant(int64Tensor(values));
  }

  reshape(x: Value, ...shape: number[]): Value {
    return this.op('Reshape', [x, this.ints(...shape)]);
  }
}

/** What the inputs of a layer are unfolded by. */
export interface UnfoldShape {
  readonly groups: number;
  /** Input channels of one group. */
  readonly channels: number;
  /** Kernel sizes; empty for a matrix product. */
  readonly kernel: readonly number[];
  /** Sizes of the output behind batch and channels, where they are the same for all samples. */
  readonly spatial: readonly number[] | undefined;
}

/**
 * The columns that a layer's outputs are products with, as a value of shape [groups, channels * taps, positions]: a layer
 * is then W times them. Positions go over the samples, then over the output's places.
 */
export function unfoldInput(w: GraphWriter, x: Value, node: OpNode, shape: UnfoldShape): Value {
  const { groups, channels } = shape;
  if (node.is('Gemm') || node.is('MatMul')) {
    const rows = w.op('Transpose', [w.reshape(x, -1, channels)], { perm: [1, 0] });
    return w.reshape(rows, 1, channels, -1);
  }
  const taps = shape.kernel.reduce((product, size) => product * size, 1);
  const planes = unfoldBySlices(w, x, node, shape) ?? unfoldByProbes(w, x, node, shape, taps);
  return w.reshape(planes, groups, channels * taps, -1);
}

/** Results of a layer as [groups, outputs, positions], beside what {@link unfoldInput} gives. */
export function outputColumns(w: GraphWriter, y: Value, node: OpNode, groups: number, rows: number): Value {
  if (node.is('Gemm') || node.is('MatMul'))
    return w.reshape(w.op('Transpose', [w.reshape(y, -1, rows)], { perm: [1, 0] }), 1, rows, -1);
  return w.reshape(channelsFirst(w, y), groups, rows, -1);
}

/** [N, C, ...] as [C, N, rest in one]. */
function channelsFirst(w: GraphWriter, x: Value): Value {
  return w.op('Transpose', [w.op('Reshape', [x, w.ints(0, 0, -1)])], { perm: [1, 0, 2] });
}

/** A plain convolution reads, at each tap of its kernel, a slice of its padded input. */
function unfoldBySlices(
  w: GraphWriter,
  x: Value,
  node: OpNode,
  { kernel, spatial }: UnfoldShape,
): Value | undefined {
  const { attributes } = node;
  const padding = attributes.string('auto_pad', 'NOTSET');
  if (!node.is('Conv') || spatial === undefined || padding === 'SAME_UPPER' || padding === 'SAME_LOWER')
    return undefined;
  const rank = kernel.length;
  const strides = attributes.ints('strides') ?? kernel.map(() => 1);
  const dilations = attributes.ints('dilations') ?? kernel.map(() => 1);
  const pads =
    (padding === 'NOTSET' ? attributes.ints('pads') : undefined) ?? Array<number>(2 * rank).fill(0);
  const perm = [1, 0, ...kernel.map((_, i) => i + 2)];
  const turned = w.op('Transpose', [x], { perm });
  const padded = pads.every((pad) => pad === 0)
    ? turned
    : w.op('Pad', [turned, w.ints(0, 0, ...pads.slice(0, rank), 0, 0, ...pads.slice(rank))]);
  const axes = w.ints(...kernel.map((_, i) => i + 2));
  const steps = w.ints(...strides);
  const slices: Value[] = [];
  for (const tap of tapsOf(kernel)) {
    const starts = tap.map((index, i) => index * dilations[i]!);
    const ends = starts.map((start, i) => start + strides[i]! * (spatial[i]! - 1) + 1);
    const slice = w.op('Slice', [padded, w.ints(...starts), w.ints(...ends), axes, steps]);
    slices.push(w.op('Unsqueeze', [w.op('Reshape', [slice, w.ints(0, 0, -1)]), w.ints(1)]));
  }
  return slices.length === 1 ? slices[0]! : w.op('Concat', slices, { axis: 1 });
}

/** For any other convolution: one of the same form with a kernel of a single one for each tap and channel tells what the tap reads. */
function unfoldByProbes(w: GraphWriter, x: Value, node: OpNode, shape: UnfoldShape, taps: number): Value {
  const channels = shape.groups * shape.channels;
  const probe = new Float32Array(channels * taps * taps);
  for (let at = 0; at < channels * taps; at++) probe[at * taps + (at % taps)] = 1;
  const transposed = node.is('ConvTranspose');
  const dims = transposed ? [channels, taps, ...shape.kernel] : [channels * taps, 1, ...shape.kernel];
  const attributes = Object.fromEntries(new Attributes(node.attributes).with({ group: channels }));
  const planes = w.op(node.opType, [x, w.constant(new DenseTensor('float', dims, probe))], attributes);
  return channelsFirst(w, planes);
}

/** All places of a kernel, last axis fastest. */
function tapsOf(kernel: readonly number[]): number[][] {
  let taps: number[][] = [[]];
  for (const size of kernel)
    taps = taps.flatMap((tap) => Array.from({ length: size }, (_, i) => [...tap, i]));
  return taps;
}
