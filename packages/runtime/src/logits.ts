import { BitwrightError, didYouMean, type Tensor } from '@bitwright/core';

/** The index of the largest of `width` values from `start`; the first one on a tie. */
export function indexOfLargest(values: ArrayLike<number>, start: number, width: number): number {
  let best = 0;
  for (let i = 1; i < width; i++) if (values[start + i]! > values[start + best]!) best = i;
  return best;
}

/** How many classes stand before a label's in the order of `width` values from `start`; the first wins a tie. */
export function rankOfLabel(values: ArrayLike<number>, start: number, width: number, label: number): number {
  const own = values[start + label]!;
  let before = 0;
  for (let i = 0; i < width; i++) {
    const value = values[start + i]!;
    if (value > own || (value === own && i < label)) before++;
  }
  return before;
}

/** An output as one row of values for each of `size` samples. @throws EVALUATE_OUTPUT when it holds no such rows. */
export function logitRows(
  logits: Tensor,
  size: number,
): { readonly data: Float32Array; readonly width: number } {
  const data = logits.data();
  if (data instanceof Float32Array && data.length % size === 0 && data.length > 0)
    return { data, width: data.length / size };
  throw new BitwrightError({
    code: 'EVALUATE_OUTPUT',
    message: `The output of shape [${logits.dims.join(', ')}] (${logits.dtype}) does not hold one row of logits for each of ${size} samples.`,
    hint: 'Name the output that holds the logits with --output.',
    at: { option: '--output' },
  });
}

/** The output that holds the logits: the one asked for, or the only one. @throws EVALUATE_OUTPUT when that is not clear. */
export function logitsName(outputNames: readonly string[], wanted: string | undefined): string {
  if (wanted === undefined && outputNames.length === 1) return outputNames[0]!;
  if (wanted !== undefined && outputNames.includes(wanted)) return wanted;
  throw new BitwrightError({
    code: 'EVALUATE_OUTPUT',
    message:
      wanted === undefined
        ? `The model has ${outputNames.length} outputs (${outputNames.join(', ')}); which one holds the logits?`
        : `The model has no output '${wanted}'.`,
    hint: wanted === undefined ? 'Name it with --output.' : didYouMean(wanted, outputNames),
    at: { option: '--output' },
  });
}
