/** What the rows of an output are: raw scores, or probabilities already (the model ends in a softmax). */
export type OutputKind = 'logits' | 'probabilities';

// a probability below this is taken as this, so that one class that underflowed does not make the figure infinite
const LEAST_PROBABILITY = 1e-30;

/**
 * The Kullback-Leibler divergence KL(reference || other) of one sample's class distribution, in nats: what is lost when the
 * quantized model's answer stands for the float model's. Never below 0.
 *
 * @param start where the sample's row of `width` values begins in both arrays.
 */
export function outputDivergence(
  reference: Float32Array,
  other: Float32Array,
  start: number,
  width: number,
  kind: OutputKind,
): number {
  const offsets =
    kind === 'logits' ? [logSumExp(reference, start, width), logSumExp(other, start, width)] : [0, 0];
  let sum = 0;
  for (let i = start; i < start + width; i++) {
    const [p, q] =
      kind === 'logits'
        ? [reference[i]! - offsets[0]!, other[i]! - offsets[1]!]
        : [logProbability(reference[i]!), logProbability(other[i]!)];
    sum += Math.exp(p) * (p - q);
  }
  return Math.max(0, sum);
}

function logProbability(value: number): number {
  return Math.log(Math.max(value, LEAST_PROBABILITY));
}

function logSumExp(values: Float32Array, start: number, width: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = start; i < start + width; i++) largest = Math.max(largest, values[i]!);
  let sum = 0;
  for (let i = start; i < start + width; i++) sum += Math.exp(values[i]! - largest);
  return largest + Math.log(sum);
}
