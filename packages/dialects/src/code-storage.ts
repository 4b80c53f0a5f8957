import type { DType } from '@bitwright/core';
import type { QuantSpec } from '@bitwright/graph';

/** Where the codes of a grid are stored: the element type, and what is added to each code. */
export interface CodeStorage {
  readonly carrier: DType;
  readonly shift: number;
}

/** The smallest and largest number of the element types that carry codes of 8 and 16 bits. */
const LIMITS: Readonly<Partial<Record<DType, readonly [low: number, high: number]>>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
};

/** The smallest and largest number that an element type holds. */
export function carrierLimits(carrier: DType): readonly [low: number, high: number] {
  return LIMITS[carrier]!;
}

/**
 * The storage of an activation: as the backend demands, else uint8 or uint16. A grid that does not fit as it is sits at the
 * low end of its carrier, where pair sums don't saturate.
 */
export function activationStorage(spec: QuantSpec): CodeStorage {
  const carrier = spec.carrier ?? (spec.bits === 16 ? 'uint16' : 'uint8');
  const [low, high] = carrierLimits(carrier);
  const fits = spec.signed === low < 0 && spec.quantMin >= low && spec.quantMax <= high;
  return { carrier, shift: fits && low < 0 ? 0 : low - spec.quantMin };
}

/** The storage of weights: as the backend demands, else what the dialect takes for the width; unsigned codes never in a signed one. */
export function weightStorage(spec: QuantSpec, usual: DType): CodeStorage {
  const { carrier = spec.signed || spec.bits < 8 ? usual : spec.bits === 16 ? 'uint16' : 'uint8' } = spec;
  const half = 2 ** (spec.bits - 1);
  if (spec.carrier === undefined) return { carrier, shift: 0 };
  const isSigned = carrierLimits(carrier)[0] < 0;
  return { carrier, shift: spec.signed === isSigned ? 0 : isSigned ? -half : half };
}
