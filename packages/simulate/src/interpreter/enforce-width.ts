import { saturateTo, wrapTo } from '../arithmetic/overflow.js';
import type { OperatorHardware } from '../hardware/operator-hardware.js';
import { type AccumulatorRecord, overflowError } from './accumulator-record.js';

/** Holds finished sums within the accumulator's width, in place, and notes what they were. @throws SIMULATE_OVERFLOW. */
export function enforceWidth(
  sums: Float64Array,
  hardware: OperatorHardware,
  record: AccumulatorRecord,
  name: string,
): void {
  const { bits, overflow } = hardware.accumulator;
  const least = -(2 ** (bits - 1));
  const most = -least - 1;
  record.checks += sums.length;
  for (let i = 0; i < sums.length; i++) {
    const sum = sums[i]!;
    if (sum < record.low) record.low = sum;
    if (sum > record.high) record.high = sum;
    if (sum >= least && sum <= most) continue;
    record.overflows++;
    if (overflow === 'error') throw overflowError(name, sum, bits);
    sums[i] = overflow === 'wrap' ? wrapTo(sum, bits) : saturateTo(sum, bits);
  }
}
