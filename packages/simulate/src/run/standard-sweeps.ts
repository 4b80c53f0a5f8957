import type { HardwareConfig } from '../hardware/hardware-schema.js';
import type { SimulatedLayer } from './simulate.js';
import type { HardwareSweep } from './vary-hardware.js';

/**
 * The curves that a report draws when none are asked for: accuracy over accumulator bits, from six bits too few for the data up to
 * one more than enough, over bits of the bias, over effective bits, and over the strength of all noise where there is some.
 */
export function standardSweeps(config: HardwareConfig, layers: readonly SimulatedLayer[]): HardwareSweep[] {
  const needed = layers.reduce((most, { accumulatorBits }) => Math.max(most, accumulatorBits.onData), 2);
  const first = Math.max(2, needed - 6);
  const widths = Array.from({ length: Math.min(needed + 1, 64) - first + 1 }, (_, i) => first + i);
  const noise = [config, ...Object.values(config.operators ?? {})].some(
    (one) => (one?.noise ?? []).length > 0,
  );
  return [
    { parameter: 'accumulator-bits', values: widths },
    { parameter: 'bias-bits', values: [8, 16, 32] },
    { parameter: 'enob', values: [2, 3, 4, 5, 6, 7, 8] },
    ...(noise ? [{ parameter: 'noise' as const, values: [0, 0.5, 1, 2, 4] }] : []),
  ];
}
