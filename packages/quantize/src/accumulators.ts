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

/** The proof that no input overflows a layer's accumulator: the extreme sums of centred products of each output, bias apart. */
export interface AccumulatorProof {
  readonly name: string;
  /** The register that was asked for, where one was. */
  readonly limit?: number;
  /** Least and largest sum of each output channel, for any input on its grid. */
  readonly low: readonly number[];
  readonly high: readonly number[];
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
    const range = inputRange(anchor);
    const tensor = weightQuantizer && constantTensor(weightQuantizer.inputs[0]);
    if (range === undefined || !(tensor instanceof QuantizedTensor)) return [];
    const matrix = weightMatrix(anchor, nodeName(anchor), tensor);
    if (matrix === undefined) return [];
    const codes = matrixOrder(tensor.codes, matrix.place);
    const qparams: QParams = qparamsOf(weightQuantizer!);
    const rows = Array.from({ length: matrix.groups * matrix.rows }, (_, row) => {
      const zero = qparams.zeroPoint[qparams.zeroPoint.length === 1 ? 0 : row]!;
      const own = codes.subarray(row * matrix.columns, (row + 1) * matrix.columns);
      return new RowSums(
        accumulatorLimit(32, range.low, range.high),
        own.map((code) => code - zero),
      );
    });
    const { accumulatorBits } = layer.config;
    return [
      {
        name: nodeName(anchor),
        ...(accumulatorBits !== undefined && { limit: accumulatorBits }),
        low: rows.map(({ low }) => low),
        high: rows.map(({ high }) => high),
      },
    ];
  });
}

function matrixOrder(codes: Int32Array, place: Int32Array | undefined): Int32Array {
  return place === undefined ? codes : place.map((at) => codes[at]!);
}

/** The codes of a layer's input with the zero point taken off. */
function inputRange(anchor: OpNode): { low: number; high: number } | undefined {
  const producer = anchor.inputs[0]?.producer;
  if (!isQuantizer(producer)) return undefined;
  const { quantMin, quantMax, zeroPoint } = qparamsOf(producer);
  return { low: quantMin - zeroPoint[0]!, high: quantMax - zeroPoint[0]! };
}
