import { BitwrightError } from '@bitwright/core';
import type { Bits } from '../qconfig.js';
import type { BudgetKind } from './budget.js';
import { type LatencyTable, layerTime, type TimedLayer } from './latency-table.js';

/** A layer with what its cost is made of. */
export interface CostedLayer extends TimedLayer {
  /** Number of weights. */
  readonly weights: number;
}

/** What budgets count in. */
export const COST_UNITS = { size: 'bytes', bops: 'bit operations', latency: 'ms' } as const;

/**
 * What a layer costs at these widths: size = ceil(weights * bits / 8) bytes, bops = macs * weight bits * activation bits, latency as
 * the device's table says, undefined at a width that it says nothing about.
 */
export function layerCosts(
  kind: BudgetKind,
  latencies: LatencyTable | undefined,
): (layer: CostedLayer, widths: Bits) => number | undefined {
  if (kind === 'size') return ({ weights }, widths) => packedBytes(weights, widths.weights);
  if (kind === 'bops') return ({ macs }, widths) => macs * widths.weights * widths.activations;
  return (layer, widths) => layerTime(latencies ?? {}, layer, widths);
}

/** A cost as text, down or up to what its kind is counted in: whole bytes and operations, four digits of a time. */
export function costText(kind: BudgetKind, cost: number, round: 'down' | 'up' = 'down'): string {
  const whole = round === 'down' ? Math.floor : Math.ceil;
  if (kind !== 'latency' || cost === 0) return String(whole(cost));
  const digit = 10 ** (Math.floor(Math.log10(cost)) - 3);
  return String(Number((whole(cost / digit) * digit).toPrecision(4)));
}

/** Bytes of weights that lie next to each other without gaps, a layer rounded up to whole bytes. */
export function packedBytes(weights: number, bits: number): number {
  return Math.ceil((weights * bits) / 8);
}

/** LATENCY_MISSING: the error of a layer that the table says nothing about where a time is needed. */
export function timeMissing(
  { name, opType }: Pick<CostedLayer, 'name' | 'opType'>,
  { weights, activations }: Bits,
): BitwrightError {
  return new BitwrightError({
    code: 'LATENCY_MISSING',
    message: `The latency table says no time for '${name}' (${opType}) with ${weights}-bit weights and ${activations}-bit activations.`,
    hint: `Add "${name}" to "layers", or "${opType}" to "operators", with the width "${weights}" or "W${weights}A${activations}".`,
    at: { node: name, option: '--latency' },
  });
}
