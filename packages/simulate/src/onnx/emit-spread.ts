import type { Value } from '@bitwright/graph';
import type { SpreadStep } from '../network/integer-network.js';
import type { OnnxBuilder } from './builder.js';
import type { Codes } from './codes.js';

/** Writes codes that are laid apart: a new axis behind each spatial one, padded with the code of zero and joined with it. */
export function emitSpread(builder: OnnxBuilder, { strides, grid }: SpreadStep, input: Codes): Codes {
  const code = grid.zeroPoint + input.shift;
  const zero = input.carrier === 'uint8' ? builder.uint8(code) : builder.int32(code);
  const rank = strides.length + 2;
  let value = input.value;
  for (const [i, stride] of strides.entries())
    if (stride > 1) value = spreadAxis(builder, value, { axis: i + 2, rank, stride, zero });
  return { ...input, value };
}

function spreadAxis(
  builder: OnnxBuilder,
  value: Value,
  { axis, rank, stride, zero }: { axis: number; rank: number; stride: number; zero: Value },
): Value {
  const sizes = builder.op('Shape', [value]);
  const factors = Array.from({ length: rank }, (_, i) => (i === axis ? stride : 1));
  const joined = builder.op('Mul', [sizes, builder.int64s('factors', factors)]);
  const apart = builder.op('Unsqueeze', [value, builder.int64s('axis', [axis + 1])]);
  const pads = new Array<number>(2 * (rank + 1)).fill(0);
  pads[rank + 1 + axis + 1] = stride - 1;
  const padded = builder.op('Pad', [apart, builder.int64s('pads', pads), zero]);
  return builder.op('Slice', [
    builder.op('Reshape', [padded, joined]),
    builder.int64s('first', [0]),
    builder.int64s('last', [1 - stride]),
    builder.int64s('axis', [axis]),
  ]);
}
