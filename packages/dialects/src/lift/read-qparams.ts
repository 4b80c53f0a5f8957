import { DTYPES, type DType, floatData, integerData, type QParams, type QuantGrid } from '@bitwright/core';
import type { Value } from '@bitwright/graph';
import { constantOf } from './constant-of.js';

/** Why something of a quantized file has no counterpart in the quantized graph; every code is explained in the reference of errors. */
export class Unliftable {
  constructor(
    readonly code: string,
    readonly reason: string,
  ) {}
}

/** The grid that a whole integer type offers; undefined for a type that is no carrier of codes. */
export function carrierGrid(carrier: DType): QuantGrid | undefined {
  if (!/^u?int(2|4|8|16|32)$/.test(carrier)) return undefined;
  const { bits } = DTYPES[carrier];
  const signed = carrier.startsWith('int');
  const quantMin = signed ? -(2 ** (bits - 1)) : 0;
  return { bits, signed, quantMin, quantMax: quantMin + 2 ** bits - 1 };
}

/** Scale and zero point of a quantizing operator over the grid of its carrier; `axis` counts only where there is more than one scale. */
export function readQParams(
  scaleValue: Value | undefined,
  zeroPointValue: Value | undefined,
  carrier: DType,
  axis?: number,
): QParams | Unliftable {
  const grid = carrierGrid(carrier);
  if (grid === undefined) return new Unliftable('LIFT_DTYPE', `${carrier} holds no integer codes`);
  const scales = constantOf(scaleValue);
  const zeroPoints = zeroPointValue === undefined ? undefined : constantOf(zeroPointValue);
  if (scales === undefined || (zeroPointValue !== undefined && zeroPoints === undefined))
    return new Unliftable('LIFT_PARAMETERS', 'its scale or zero point is computed, not constant');
  if (scales.dtype !== 'float') return new Unliftable('LIFT_DTYPE', `its scale is ${scales.dtype}`);
  if (scales.dims.length > 1)
    return new Unliftable('LIFT_BLOCKS', 'it has one scale for each block of values');
  const scale = floatData(scales);
  if (!scale.every((value) => value > 0 && Number.isFinite(value)))
    return new Unliftable('LIFT_PARAMETERS', 'a scale is not a positive number');
  const given = zeroPoints === undefined ? [] : integerData(zeroPoints);
  const zeroPoint = Int32Array.from(scale, (_, i) => given[given.length === 1 ? 0 : i] ?? 0);
  const perAxis = axis !== undefined && scales.dims.length === 1;
  if (!perAxis && scale.length !== 1)
    return new Unliftable('LIFT_PARAMETERS', 'it has several scales and no axis for them');
  return { ...grid, scale, zeroPoint, ...(perAxis && { axis }) };
}

/** True when codes mean the same floats under both. */
export function sameScale(a: QParams, b: QParams): boolean {
  return (
    a.scale.length === b.scale.length &&
    a.scale.every((scale, i) => scale === b.scale[i] && a.zeroPoint[i] === b.zeroPoint[i])
  );
}
