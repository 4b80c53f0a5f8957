import { floatData, LazyTensor, type Tensor } from '@bitwright/core';
import { constantTensor, type OpNode } from '@bitwright/graph';
import type { ChannelAffine } from './channel-affine.js';

/** True unless a window surely reads no padding: none is given, or it is one element wide and pads by size. */
export function readsPadding(window: OpNode, kernel: readonly number[]): boolean {
  const autoPad = window.attributes.string('auto_pad', 'NOTSET');
  if (autoPad === 'VALID') return false;
  if (autoPad !== 'NOTSET') return kernel.some((size) => size !== 1);
  return (window.attributes.ints('pads') ?? []).some((amount) => amount !== 0);
}

/** True for a map whose only reader is a Conv that can take it in: see the rule `fold-affine-into-next-conv`. */
export function entersNextConv(map: OpNode, { scale, shift }: ChannelAffine): boolean {
  const [result] = map.outputs;
  const [use] = result?.uses ?? [];
  if (use?.node.kind !== 'op' || !use.node.is('Conv') || use.index !== 0 || result!.uses.size !== 1)
    return false;
  const weight = constantTensor(use.node.inputs[1]);
  if (weight?.dtype !== 'float' || map.inputs[0]?.shape?.[1] !== scale.length) return false;
  return shift.every((offset) => offset === 0) || !readsPadding(use.node, weight.dims.slice(2));
}

/**
 * Weight [out, in / groups, kernel] and bias of a layer that takes a map of its input channels in: double precision, rounded
 * once to float32, made on first use.
 */
export function absorb(
  weight: Tensor,
  bias: Tensor | undefined,
  { scale, shift }: ChannelAffine,
  groups: number,
): { readonly weight: Tensor; readonly bias: Tensor } {
  const [outputs = 0, inputs = 0, ...kernel] = weight.dims;
  const area = kernel.reduce((product, size) => product * size, 1);
  const firstInput = (output: number): number => Math.floor(output / (outputs / groups)) * inputs;
  const scaled = new LazyTensor('float', weight.dims, () => {
    const data = floatData(weight);
    const result = new Float32Array(data.length);
    for (let o = 0, at = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) {
        const factor = scale[firstInput(o) + i]!;
        for (let k = 0; k < area; k++, at++) result[at] = data[at]! * factor;
      }
    }
    return result;
  });
  const shifted = new LazyTensor('float', [outputs], () => {
    const data = floatData(weight);
    const before = bias && floatData(bias);
    return Float32Array.from({ length: outputs }, (_, o) => {
      let sum = before === undefined ? 0 : before[before.length === 1 ? 0 : o]!;
      for (let i = 0, at = o * inputs * area; i < inputs; i++) {
        const offset = shift[firstInput(o) + i]!;
        for (let k = 0; k < area; k++, at++) sum += data[at]! * offset;
      }
      return sum;
    });
  });
  return { weight: scaled, bias: shifted };
}

/** As {@link absorb} for the second factor of a Gemm, [features, outputs] or transposed; the bias holds beta and alpha already. */
export function absorbRows(
  weight: Tensor,
  bias: Tensor | undefined,
  { scale, shift }: ChannelAffine,
  factors: { readonly alpha: number; readonly beta: number; readonly transposed: boolean },
): { readonly weight: Tensor; readonly bias: Tensor } {
  const [rows = 0, columns = 0] = weight.dims;
  const { alpha, beta, transposed } = factors;
  const [features, outputs] = transposed ? [columns, rows] : [rows, columns];
  const at = (feature: number, output: number): number =>
    transposed ? output * features + feature : feature * outputs + output;
  const scaled = new LazyTensor('float', weight.dims, () =>
    floatData(weight).map((value, i) => value * scale[transposed ? i % features : Math.floor(i / outputs)]!),
  );
  const shifted = new LazyTensor('float', [outputs], () => {
    const data = floatData(weight);
    const before = bias && floatData(bias);
    return Float32Array.from({ length: outputs }, (_, output) => {
      let sum = 0;
      for (let feature = 0; feature < features; feature++)
        sum += data[at(feature, output)]! * shift[feature]!;
      const own = before === undefined ? 0 : before[before.length === 1 ? 0 : output]!;
      return beta * own + alpha * sum;
    });
  });
  return { weight: scaled, bias: shifted };
}
