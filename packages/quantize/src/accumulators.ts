import type { QParams } from '@bitwright/core';
import {
  constantTensor,
  isQuantizer,
  nodeName,
  type OpNode,
  QuantizedTensor,
  qparamsOf,
} from '@bitwright/graph';
import type { PreparedLayer } from './prepare.js';
import { type AccumulatorLimit, accumulatorLimit, RowSums } from './rounding/accumulator-budget.js';
import { weightMatrix } from './sequential/weight-matrix.js';

/** What the sums of one output channel can reach, for any input on its grid. */
export interface ChannelProof {
  readonly weightZeroPoint: number;
  /** Sum of the magnitudes of the weight codes, their zero point taken off. */
  readonly l1: number;
  readonly least: number;
  readonly greatest: number;
}

/** The proof that no input overflows a layer's accumulator: the extreme sums of centred products of each output, bias apart. */
export interface AccumulatorProof {
  readonly node: OpNode;
  /** The register that was asked for, where one was. */
  readonly limit?: number;
  /** Products that one sum has. */
  readonly terms: number;
  readonly input: { readonly min: number; readonly max: number; readonly zeroPoint: number };
  readonly channels: readonly ChannelProof[];
}

/** The limit that a layer's weights are rounded within; undefined where no register was asked for or its input is float. */
export function layerLimit(layer: PreparedLayer): AccumulatorLimit | undefined {
  const bits = layer.config.accumulatorBits;
  const range = inputRange(layer.anchor);
  return bits === undefined || range === undefined
    ? undefined
    : accumulatorLimit(bits, range.low, range.high);
}

/** The proofs of all layers whose input and weights are quantized, after they were rounded. */
export function proveAccumulators(layers: readonly PreparedLayer[]): AccumulatorProof[] {
  return layers.flatMap((layer) => {
    const { anchor, weightQuantizer } = layer;
    const input = inputGrid(anchor);
    const tensor = weightQuantizer && constantTensor(weightQuantizer.inputs[0]);
    if (input === undefined || !(tensor instanceof QuantizedTensor)) return [];
    const matrix = weightMatrix(anchor, nodeName(anchor), tensor);
    if (matrix === undefined) return [];
    const codes = matrixOrder(tensor.codes, matrix.place);
    const { zeroPoint }: QParams = qparamsOf(weightQuantizer!);
    const channels = Array.from({ length: matrix.groups * matrix.rows }, (_, row) => {
      const own = codes.subarray(row * matrix.columns, (row + 1) * matrix.columns);
      return proveChannel(own, zeroPoint[zeroPoint.length === 1 ? 0 : row]!, input);
    });
    const { accumulatorBits } = layer.config;
    return [
      {
        node: anchor,
        ...(accumulatorBits !== undefined && { limit: accumulatorBits }),
        terms: matrix.columns,
        input,
        channels,
      },
    ];
  });
}

function proveChannel(
  codes: Int32Array,
  weightZeroPoint: number,
  { min, max, zeroPoint }: AccumulatorProof['input'],
): ChannelProof {
  const centred = codes.map((code) => code - weightZeroPoint);
  const sums = new RowSums(accumulatorLimit(32, min - zeroPoint, max - zeroPoint), centred);
  return {
    weightZeroPoint,
    l1: centred.reduce((sum, code) => sum + Math.abs(code), 0),
    least: sums.low,
    greatest: sums.high,
  };
}

function matrixOrder(codes: Int32Array, place: Int32Array | undefined): Int32Array {
  return place === undefined ? codes : place.map((at) => codes[at]!);
}

/** The codes of a layer's input with the zero point taken off. */
function inputRange(anchor: OpNode): { low: number; high: number } | undefined {
  const grid = inputGrid(anchor);
  return grid && { low: grid.min - grid.zeroPoint, high: grid.max - grid.zeroPoint };
}

function inputGrid(anchor: OpNode): AccumulatorProof['input'] | undefined {
  const producer = anchor.inputs[0]?.producer;
  if (!isQuantizer(producer)) return undefined;
  const { quantMin, quantMax, zeroPoint } = qparamsOf(producer);
  return { min: quantMin, max: quantMax, zeroPoint: zeroPoint[0]! };
}
