import type { QParams } from '@bitwright/core';
import type { OpNode } from '@bitwright/graph';
import { setWeightCodes } from '../convert-layer.js';
import type { PreparedLayer } from '../prepare.js';
import type { Rounded, RoundingSpec } from '../rounding/rounding-algorithm.js';
import { toTensorOrder, type WeightMatrix } from './weight-matrix.js';

/** True where a scale must stay where the search has put it: a power of two, or held within a backend's bounds. */
export function hasFixedScale({ config, dtype }: PreparedLayer): boolean {
  const { scaleMinLowerBound, scaleMaxUpperBound } = dtype.weight ?? {};
  return config.powerOfTwo || scaleMinLowerBound !== undefined || scaleMaxUpperBound !== undefined;
}

/** The grid of a weight quantizer, with its zero points taken off the codes. */
export function roundingSpec(
  matrix: WeightMatrix,
  qparams: QParams,
  fixedScale: boolean,
  floor: Float32Array | undefined,
): RoundingSpec {
  const count = matrix.groups * matrix.rows;
  const zeroPoint = (row: number): number => qparams.zeroPoint[qparams.zeroPoint.length === 1 ? 0 : row]!;
  return {
    low: Int32Array.from({ length: count }, (_, row) => qparams.quantMin - zeroPoint(row)),
    high: Int32Array.from({ length: count }, (_, row) => qparams.quantMax - zeroPoint(row)),
    scale: Float64Array.from(qparams.scale),
    fixedScale,
    ...(floor && { leastScale: Float64Array.from(floor) }),
  };
}

/** Gives a weight quantizer what rounding found: codes in the tensor's order, with their zero points, and single-precision scales. */
export function setRounded(
  quantizer: OpNode,
  matrix: WeightMatrix,
  rounded: Rounded,
  searched: QParams,
): QParams {
  const { zeroPoint } = searched;
  const codes = new Int32Array(rounded.codes.length);
  for (let i = 0; i < codes.length; i++) {
    const row = zeroPoint.length === 1 ? 0 : Math.floor(i / matrix.columns);
    codes[i] = rounded.codes[i]! + zeroPoint[row]!;
  }
  const qparams: QParams = { ...searched, scale: Float32Array.from(rounded.scale) };
  setWeightCodes(quantizer, toTensorOrder(matrix, codes), qparams);
  return qparams;
}
