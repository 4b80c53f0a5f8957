import type { Value } from '@bitwright/graph';
import type { Accumulator } from '../hardware/operator-hardware.js';
import type { OnnxBuilder } from './builder.js';

/**
 * Holds sums (int32) within a register: Clip for saturation, Add, Mod and Sub for wrapping. Nothing is written where the
 * codes prove that no input can overflow it.
 *
 * @param needed the bits of the worst case.
 */
export function emitOverflow(
  builder: OnnxBuilder,
  sums: Value,
  accumulator: Accumulator,
  needed: number,
): { value: Value; overflows: Value | undefined } {
  const { bits, overflow } = accumulator;
  if (needed <= bits || bits >= 32) return { value: sums, overflows: undefined };
  const half = 2 ** (bits - 1);
  const clipped = builder.op('Clip', [sums, builder.int32(-half), builder.int32(half - 1)]);
  const differs = builder.op('Not', [builder.op('Equal', [clipped, sums])]);
  const overflows = builder.reduceAll('ReduceSum', builder.cast(differs, 'int32'));
  if (overflow !== 'wrap') return { value: clipped, overflows };
  // 2^31 is no int32
  const wide = bits === 31;
  const number = (value: number): Value => (wide ? builder.int64(value) : builder.int32(value));
  const lifted = builder.op('Add', [wide ? builder.cast(sums, 'int64') : sums, number(half)]);
  const rest = builder.op('Mod', [lifted, number(half * 2)]);
  const value = builder.op('Sub', [rest, number(half)]);
  return { value: wide ? builder.cast(value, 'int32') : value, overflows };
}
