import { floatData } from '@bitwright/core';
import type { Value } from '@bitwright/graph';
import { keepsScale, rangeOnGrid } from '../activation-range.js';
import { applyRange } from '../calibrate.js';
import type { ObserverGroup, PreparedLayer } from '../prepare.js';
import type { CalibratedRange } from '../ranges.js';
import type { Side } from './activation-store.js';
import { runStored, type StoredSource } from './run-stored.js';

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
  source: StoredSource,
): Promise<CalibratedRange> {
  if (readers.length === 0 || keepsScale(group) || start.min === start.max) return start;
  const outputs = readers.map(({ anchor }) => anchor.outputs[0]!);
  const wanted = await outputsOf('float', outputs, source);
  const error = async (range: CalibratedRange): Promise<number> => {
    applyRange(group, range);
    return relativeErrors(await outputsOf('quantized', outputs, source), wanted);
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
async function outputsOf(
  side: Side,
  wanted: readonly Value[],
  source: StoredSource,
): Promise<Float32Array[][]> {
  const found: Float32Array[][] = wanted.map(() => []);
  let seen = 0;
  for await (const { tensors, samples } of runStored(source, side, wanted, `layers of the ${side} network`)) {
    for (const [i, tensor] of tensors.entries()) found[i]!.push(Float32Array.from(floatData(tensor)));
    seen += samples;
    if (seen >= SAMPLES) break;
  }
  return found;
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
