import { floatData, type Tensor } from '@bitwright/core';
import type { OpNode } from '@bitwright/graph';
import type { RoundingLayer } from '../rounding/rounding-algorithm.js';

/** How a layer's weight tensor lies as matrices, and back. */
export interface WeightMatrix extends RoundingLayer {
  /** Where in the tensor an element of the matrices stands; undefined when both lie alike. */
  readonly place: Int32Array | undefined;
}

/**
 * The weights of a Conv, ConvTranspose, Gemm or MatMul as matrices.
 *
 * @returns undefined for weights that are none, e.g. the stacked ones of a batched MatMul.
 */
export function weightMatrix(node: OpNode, name: string, tensor: Tensor): WeightMatrix | undefined {
  const { dims } = tensor;
  const group = node.attributes.int('group', 1);
  const data = floatData(tensor);
  const taps = dims.slice(2).reduce((product, size) => product * size, 1);
  switch (node.opType) {
    case 'Conv':
      return {
        name,
        groups: group,
        rows: dims[0]! / group,
        columns: dims[1]! * taps,
        taps,
        weights: Float64Array.from(data),
        place: undefined,
      };
    case 'ConvTranspose':
      return placed(name, data, transposedConvPlaces(group, dims[0]! / group, dims[1]!, taps));
    case 'Gemm':
    case 'MatMul': {
      if (dims.length !== 2) return undefined;
      if (node.attributes.int('transA', 0) === 1) return undefined;
      const [first, second] = dims as [number, number];
      if (node.is('Gemm') && node.attributes.int('transB', 0) === 1)
        return {
          name,
          groups: 1,
          rows: first,
          columns: second,
          taps: 1,
          weights: Float64Array.from(data),
          place: undefined,
        };
      return placed(name, data, transposedConvPlaces(1, first, second, 1));
    }
    default:
      return undefined;
  }
}

/** Codes as they lie in the matrices, brought to where they lie in the tensor. */
export function toTensorOrder(matrix: WeightMatrix, codes: Int32Array): Int32Array {
  const { place } = matrix;
  if (place === undefined) return codes;
  const moved = new Int32Array(codes.length);
  for (let i = 0; i < codes.length; i++) moved[place[i]!] = codes[i]!;
  return moved;
}

interface Places {
  readonly groups: number;
  readonly rows: number;
  readonly columns: number;
  readonly taps: number;
  readonly place: Int32Array;
}

/** A tensor [groups * inputs, outputs, taps], as a transposed convolution has it: row = output, column = input and tap. */
function transposedConvPlaces(groups: number, inputs: number, outputs: number, taps: number): Places {
  const place = new Int32Array(groups * inputs * outputs * taps);
  let at = 0;
  for (let g = 0; g < groups; g++)
    for (let o = 0; o < outputs; o++)
      for (let i = 0; i < inputs; i++)
        for (let t = 0; t < taps; t++) place[at++] = ((g * inputs + i) * outputs + o) * taps + t;
  return { groups, rows: outputs, columns: inputs * taps, taps, place };
}

function placed(name: string, data: Float32Array, { place, ...sizes }: Places): WeightMatrix {
  return { name, ...sizes, place, weights: Float64Array.from(place, (at) => data[at]!) };
}
