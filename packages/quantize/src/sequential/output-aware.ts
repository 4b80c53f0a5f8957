import { floatData } from '@bitwright/core';
import type { Value } from '@bitwright/graph';
import type { OpenExecutor } from '@bitwright/runtime';
import { keepsScale, rangeOnGrid } from '../activation-range.js';
import { applyRange } from '../calibrate.js';
import type { ObserverGroup, PreparedLayer } from '../prepare.js';
import type { CalibratedRange } from '../ranges.js';
import type { ActivationStore, Side } from './activation-store.js';
import { type NetworkPair, type SegmentInput, segmentBytes } from './segment.js';

/** What the search works with: the networks, and the values of the cut that the group's tensor lies on. */
export interface OutputAwareOptions {
  readonly networks: NetworkPair;
  readonly store: ActivationStore;
  readonly open: OpenExecutor;
  readonly cut: readonly SegmentInput[];
  readonly signal?: AbortSignal;
}

/** A range is made so much smaller or larger from one try to the next, as long as the error falls. */
const STEP = 0.93;
const SMALLEST = 0.3;
const LARGEST = 1.6;
/** Samples that are looked at: whole chunks until there are so many. */
const SAMPLES = 512;

/**
 * Moves a range to where the layers that read the tensor make the smallest error:
 *
 *   scale = argmin sum over layers of |W x - W Q(x')|^2 / |W x|^2,   x float, x' behind the quantized network
 *
 * W are the layers' float weights, as they are not rounded yet. The search goes downhill from the range that it is given, both
 * ends in proportion. Where no layer reads the tensor, or its scale is fixed, the range stays.
 *
 * @param readers layers whose input the group's quantizers make.
 * @returns the range, which the quantizers then have.
 */
export async function outputAwareRange(
  group: ObserverGroup,
  readers: readonly PreparedLayer[],
  start: CalibratedRange,
  options: OutputAwareOptions,
): Promise<CalibratedRange> {
  if (readers.length === 0 || keepsScale(group) || start.min === start.max) return start;
  const outputs = readers.map(({ anchor }) => anchor.outputs[0]!);
  const wanted = await run('float', outputs, options);
  const error = async (range: CalibratedRange): Promise<number> => {
    applyRange(group, range);
    return relativeErrors(await run('quantized', outputs, options), wanted);
  };
  let [best, least] = [start, await error(start)];
  for (const step of [STEP, 1 / STEP]) {
    for (let factor = step; factor > SMALLEST && factor < LARGEST; factor *= step) {
      const { min, max, low, high } = start;
      const range = rangeOnGrid(group, { min, max, low: low * factor, high: high * factor });
      const found = await error(range);
      if (!(found < least)) break;
      [best, least] = [range, found];
    }
    if (best !== start) break;
  }
  applyRange(group, best);
  return best;
}

/** The outputs of the first chunks: one list of chunks an output. */
async function run(
  side: Side,
  wanted: readonly Value[],
  { networks, store, open, cut, signal }: OutputAwareOptions,
): Promise<Float32Array[][]> {
  const segment = networks.cut(side, cut, wanted);
  const names = segment.module.graph.outputs.map(({ name }) => name);
  const executor = await open(segmentBytes(segment), { name: `layers of the ${side} network` });
  try {
    const results: Float32Array[][] = wanted.map(() => []);
    const { dims } = store.shapes(cut[0]!.value.name);
    let samples = 0;
    for (let chunk = 0; chunk < dims.length && samples < SAMPLES; chunk++) {
      signal?.throwIfAborted();
      const feeds = new Map(cut.map(({ value }) => [value.name, store.get(side, value.name, chunk)]));
      const found = await executor.run(feeds, [...new Set(names)]);
      for (const [i, name] of names.entries())
        results[i]!.push(Float32Array.from(floatData(found.get(name)!)));
      samples += dims[chunk]![0] ?? 1;
    }
    return results;
  } finally {
    await executor.release();
  }
}

function relativeErrors(found: readonly Float32Array[][], wanted: readonly Float32Array[][]): number {
  let total = 0;
  for (const [i, chunks] of wanted.entries()) {
    let [error, power] = [0, 0];
    for (const [chunk, values] of chunks.entries()) {
      const own = found[i]![chunk]!;
      for (let k = 0; k < values.length; k++) {
        error += (own[k]! - values[k]!) ** 2;
        power += values[k]! ** 2;
      }
    }
    total += error / Math.max(power, 1e-12);
  }
  return total;
}
