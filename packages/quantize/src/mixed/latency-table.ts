import { namePattern } from '../name-pattern.js';
import type { Bits } from '../qconfig.js';

/** Milliseconds by the width of the weights (`4`), or by both widths (`W4A8`), which comes first. */
export type TimesByWidth = Readonly<Record<string, number>>;

/** How long layers take on a device, for one sample. */
export interface LatencyTable {
  /** Measured times by the name of a node, a glob or a /regular expression/; the first that fits counts. */
  readonly layers?: Readonly<Record<string, TimesByWidth>>;
  /** By operator type, `*` for all others: time = fixed + perMillionMacs * multiplications / 10^6. */
  readonly operators?: Readonly<
    Record<string, { readonly fixed?: number | undefined; readonly perMillionMacs: TimesByWidth }>
  >;
}

/** A layer that a table is asked about. */
export interface TimedLayer {
  readonly name: string;
  readonly opType: string;
  /** Multiplications of one sample. */
  readonly macs: number;
}

/** Milliseconds that a layer takes at these widths; undefined where the table does not say. */
export function layerTime(table: LatencyTable, layer: TimedLayer, widths: Bits): number | undefined {
  for (const [key, times] of Object.entries(table.layers ?? {})) {
    const fits = namePattern(key)?.test(layer.name) ?? key === layer.name;
    if (fits) return timeOf(times, widths);
  }
  const operator = table.operators?.[layer.opType] ?? table.operators?.['*'];
  const rate = operator && timeOf(operator.perMillionMacs, widths);
  return rate === undefined ? undefined : (operator!.fixed ?? 0) + (rate * layer.macs) / 1e6;
}

function timeOf(times: TimesByWidth, { weights, activations }: Bits): number | undefined {
  return times[`W${weights}A${activations}`] ?? times[String(weights)];
}
