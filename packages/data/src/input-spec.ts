import type { DType } from '@bitwright/core';

/** One input of a model as the data must fill it. */
export interface InputSpec {
  readonly name: string;
  readonly dtype: DType;
  /** A number, or undefined or a symbol's name for an open dimension; undefined as a whole for an unknown rank. */
  readonly shape: readonly (number | string | undefined)[] | undefined;
}
