import type { OpNode } from '@bitwright/graph';
import { constantTensor, isQuantizer, QuantizedTensor, qparamsOf } from '@bitwright/graph';

const INT16_MAX = 32767;
const INT16_MIN = -32768;

/** Whether adding two u8 x s8 products in 16 bits, as VPMADDUBSW does on CPUs without VNNI, can pass the range. */
export interface PairSaturation {
  readonly safe: boolean;
  /** The largest and smallest sum of two products that inputs could cause. */
  readonly worst: number;
}

/**
 * Predicts 16-bit pair saturation of one layer: whichever two weight codes meet (that depends on the kernel's order), with
 * activation codes up to `largestCode`. A prediction of `safe` is a proof; the other may be too careful.
 */
export function predictPairSaturation(codes: Int32Array, largestCode: number): PairSaturation {
  const [first, second, last, beforeLast] = extremes(codes);
  const high = (Math.max(first, 0) + Math.max(second, 0)) * largestCode;
  const low = (Math.min(last, 0) + Math.min(beforeLast, 0)) * largestCode;
  return { safe: high <= INT16_MAX && low >= INT16_MIN, worst: high > -low ? high : low };
}

/** The two largest and the two smallest codes. */
function extremes(codes: Int32Array): [number, number, number, number] {
  let first = Number.NEGATIVE_INFINITY;
  let second = Number.NEGATIVE_INFINITY;
  let last = Number.POSITIVE_INFINITY;
  let beforeLast = Number.POSITIVE_INFINITY;
  for (const code of codes) {
    if (code > first) {
      second = first;
      first = code;
    } else if (code > second) second = code;
    if (code < last) {
      beforeLast = last;
      last = code;
    } else if (code < beforeLast) beforeLast = code;
  }
  return [first, second, last, beforeLast];
}

/** The prediction for the layer that a weight quantizer feeds; safe where its input has no codes at all. */
export function layerSaturation(weightQuantizer: OpNode): PairSaturation {
  const [use] = weightQuantizer.output.uses;
  const tensor = constantTensor(weightQuantizer.inputs[0]);
  const input = use?.node.inputs[0]?.producer;
  if (!(tensor instanceof QuantizedTensor) || !isQuantizer(input)) return { safe: true, worst: 0 };
  const { quantMin, quantMax } = qparamsOf(input);
  return predictPairSaturation(tensor.codes, quantMax - quantMin);
}
