import { powerOfTwoAtLeast, type QuantGrid } from '@bitwright/core';

/** How the scales of an int16 or int8 bias are chosen. */
export interface BiasScaleOptions {
  readonly perChannel: boolean;
  readonly powerOfTwo: boolean;
}

/** The scales of a bias that has scales of its own: the smallest that clip nothing, one a channel or one for all. */
export function biasScales(
  values: Float32Array,
  grid: QuantGrid,
  { perChannel, powerOfTwo }: BiasScaleOptions,
): Float32Array {
  const scaleFor = (size: number): number => {
    if (size === 0) return 1;
    const scale = Math.max(size / grid.quantMax, 2 ** -126);
    return powerOfTwo ? powerOfTwoAtLeast(scale) : scale;
  };
  if (perChannel) return values.map((value) => scaleFor(Math.abs(value)));
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return Float32Array.of(scaleFor(largest));
}
