import type { Value } from '@bitwright/graph';
import type { Grid } from '../network/integer-network.js';

/** A tensor of codes in an emitted file: each element is code + shift, in uint8 up to 8 bits and in int32 above. */
export interface Codes {
  readonly value: Value;
  readonly carrier: 'uint8' | 'int32';
  readonly shift: number;
}

/** The element type that carries the codes of a grid. */
export function carrierOf(grid: Grid): Codes['carrier'] {
  return grid.max - grid.min <= 255 && grid.max + shiftOf(grid) <= 255 ? 'uint8' : 'int32';
}

/** What is added to the codes of a grid so that none is negative. */
export function shiftOf(grid: Grid): number {
  return grid.min < 0 ? -grid.min : 0;
}
