import { constantTensor, type Dim, type Graph, nodeName, type OpNode } from '@bitwright/graph';
import type { ChannelMoments } from './channel-moments.js';

/** For each layer the mean of what its weights multiply, as a matrix's columns lie (groups x columns), or why that is not known. */
export type ExpectedInputs = ReadonlyMap<OpNode, Float64Array | string>;

/**
 * The mean input of each weight from what batch normalizations state, without data. A tap of a kernel that lies on padding at
 * some places has as much less, where the sizes of the input are known.
 */
export function expectedInputs(graph: Graph, moments: ChannelMoments): ExpectedInputs {
  const expected = new Map<OpNode, Float64Array | string>();
  for (const node of graph.ops())
    if (node.domain === '' && ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].includes(node.opType))
      expected.set(node, expectedInput(node, moments));
  return expected;
}

function expectedInput(node: OpNode, moments: ChannelMoments): Float64Array | string {
  const [x, w] = node.inputs;
  const weight = constantTensor(w);
  if (x === undefined || weight === undefined) return 'its weights are computed';
  if (node.is('ConvTranspose'))
    return 'the taps of a transposed convolution meet different numbers of inputs';
  const found = moments.of(x);
  if (found === undefined) return `no batch normalization states the mean of its input '${x.name}'`;
  const { mean } = found;
  if (!node.is('Conv')) return x.shape?.length === 2 ? mean : `the rank of its input '${x.name}' is not 2`;
  const [, ofGroup = 0, ...kernel] = weight.dims;
  if (mean.length !== ofGroup * node.attributes.int('group', 1))
    return `'${nodeName(node)}' reads other channels than its input has`;
  const inside = tapShares(node, kernel, x.shape?.slice(2));
  const columns = new Float64Array(mean.length * inside.length);
  for (let i = 0; i < columns.length; i++)
    columns[i] = mean[Math.floor(i / inside.length)]! * inside[i % inside.length]!;
  return columns;
}

/** For each tap of a kernel, last axis fastest, the share of output places at which it lies on the input and not on padding. */
function tapShares(
  { attributes }: OpNode,
  kernel: readonly number[],
  sizes: readonly Dim[] | undefined,
): number[] {
  const padding = attributes.string('auto_pad', 'NOTSET');
  const pads = padding === 'NOTSET' ? attributes.ints('pads') : undefined;
  let shares = [1];
  for (const [axis, taps] of kernel.entries()) {
    const size = sizes?.[axis];
    const along = {
      taps,
      stride: attributes.ints('strides')?.[axis] ?? 1,
      gap: attributes.ints('dilations')?.[axis] ?? 1,
    };
    const ends = [pads?.[axis] ?? 0, pads?.[kernel.length + axis] ?? 0] as const;
    const own =
      typeof size === 'number' && pads !== undefined
        ? axisShares(size, ends, along)
        : Array<number>(taps).fill(1);
    shares = shares.flatMap((share) => own.map((value) => share * value));
  }
  return shares;
}

function axisShares(
  size: number,
  [before, after]: readonly [number, number],
  { taps, stride, gap }: { readonly taps: number; readonly stride: number; readonly gap: number },
): number[] {
  const places = Math.floor((size + before + after - (taps - 1) * gap - 1) / stride) + 1;
  return Array.from({ length: taps }, (_, tap) => {
    let inside = 0;
    for (let place = 0; place < places; place++) {
      const at = place * stride + tap * gap - before;
      if (at >= 0 && at < size) inside++;
    }
    return inside / places;
  });
}
