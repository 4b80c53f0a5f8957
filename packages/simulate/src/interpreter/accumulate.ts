import { saturateTo } from '../arithmetic/overflow.js';
import type { OperatorHardware } from '../hardware/operator-hardware.js';
import type { AccumulatorRecord } from './accumulator-record.js';
import { enforceWidth } from './enforce-width.js';

/** One output's sums over all positions, in the order and with the overflow of a device. */
export interface AccumulateInit {
  readonly hardware: OperatorHardware;
  /** The weights of one output in the order in which they are summed. */
  readonly weights: Float64Array;
  /** The operand rows in that order, [depth, positions]. */
  readonly rows: Float64Array;
  readonly order: Int32Array;
  readonly positions: number;
  /** What each accumulator begins at. */
  readonly start: number;
  readonly record: AccumulatorRecord;
  readonly name: string;
}

/** The accumulators of one output at every position. @throws SIMULATE_OVERFLOW where overflow is an error. */
export function accumulate(init: AccumulateInit): Float64Array {
  const { hardware, positions, start } = init;
  const sums = new Float64Array(positions).fill(start);
  const depth = init.order.length;
  const { at } = hardware.accumulator;
  const tile =
    at === 'mac' ? (hardware.pairs ? 2 : 1) : at === 'tile' ? (hardware.tile?.size ?? depth) : depth;
  if (tile >= depth) {
    addTile(init, 0, depth, sums);
    enforceWidth(sums, hardware, init.record, init.name);
    return sums;
  }
  const partial = new Float64Array(positions);
  for (let first = 0; first < depth; first += tile) {
    const last = Math.min(first + tile, depth);
    if (last - first === 1) {
      addTile(init, first, last, sums);
    } else {
      partial.fill(0);
      addTile(init, first, last, partial);
      for (let p = 0; p < positions; p++) sums[p]! += partial[p]!;
    }
    enforceWidth(sums, hardware, init.record, init.name);
  }
  return sums;
}

/** Adds the products from `first` to `last` exactly, in saturating pairs where the multipliers are made so. */
function addTile(init: AccumulateInit, first: number, last: number, into: Float64Array): void {
  const { weights, rows, order, positions, hardware } = init;
  if (hardware.pairs) {
    addPairs(init, first, last, into);
    return;
  }
  let i = first;
  // whole numbers in doubles: four at a time is the same sum, with a quarter of the traffic
  for (; i + 3 < last; i += 4) {
    const [a, b, c, d] = [order[i]!, order[i + 1]!, order[i + 2]!, order[i + 3]!];
    const [wa, wb, wc, wd] = [weights[a]!, weights[b]!, weights[c]!, weights[d]!];
    const [ra, rb, rc, rd] = [a * positions, b * positions, c * positions, d * positions];
    for (let p = 0; p < positions; p++)
      into[p]! += wa * rows[ra + p]! + wb * rows[rb + p]! + wc * rows[rc + p]! + wd * rows[rd + p]!;
  }
  for (; i < last; i++) {
    const weight = weights[order[i]!]!;
    const row = order[i]! * positions;
    for (let p = 0; p < positions; p++) into[p]! += weight * rows[row + p]!;
  }
}

function addPairs(
  { weights, rows, order, positions }: AccumulateInit,
  first: number,
  last: number,
  into: Float64Array,
): void {
  for (let i = first; i < last; i += 2) {
    const weight = weights[order[i]!]!;
    const row = order[i]! * positions;
    const hasMate = i + 1 < last;
    const mate = hasMate ? weights[order[i + 1]!]! : 0;
    const mateRow = hasMate ? order[i + 1]! * positions : row;
    for (let p = 0; p < positions; p++)
      into[p]! += saturateTo(weight * rows[row + p]! + mate * rows[mateRow + p]!, 16);
  }
}

/** The order in which the products of a layer are summed, as indices into (channel, window). */
export function summingOrder(
  depth: number,
  window: number,
  order: 'channel-first' | 'kernel-first',
): Int32Array {
  const channels = depth / window;
  if (order === 'channel-first') return Int32Array.from({ length: depth }, (_, i) => i);
  return Int32Array.from({ length: depth }, (_, i) => (i % channels) * window + Math.floor(i / channels));
}
