import { BitwrightError, type Diagnostic, seededPermutation } from '@bitwright/core';
import type { Selection } from './data-card.js';

/** The samples to be read and what is worth telling about them. */
export interface SelectedSamples {
  /** Indices of samples, in the order that they are read in. */
  readonly order: Uint32Array;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Applies `skip`, `shuffle` and `take` in this order, then the command's `--samples`.
 *
 * @param card how the card calls itself.
 * @param isDefault whether nobody asked for `samples`.
 * @throws DATA_NO_SAMPLES when none is left; DATA_SAMPLES for a `samples` that is not a whole number from 1 on.
 */
export function selectSamples(
  count: number,
  selection: Selection,
  samples: number | undefined,
  card: string,
  isDefault = false,
): SelectedSamples {
  if (samples !== undefined && !(Number.isSafeInteger(samples) && samples >= 1)) throw wrongSamples(samples);
  const diagnostics: Diagnostic[] = [];
  const skip = Math.min(selection.skip ?? 0, count);
  const left = count - skip;
  let order =
    selection.shuffle === undefined
      ? Uint32Array.from({ length: left }, (_, i) => i)
      : seededPermutation(left, selection.shuffle);
  for (let i = 0; i < left; i++) order[i] = order[i]! + skip;
  const limits = [
    ['take', selection.take, false],
    ['--samples', samples, isDefault],
  ] as const;
  for (const [option, limit, unasked] of limits) {
    if (limit === undefined) continue;
    if (order.length < limit && left > 0) diagnostics.push(fewer(card, option, limit, order.length, unasked));
    order = order.slice(0, limit);
  }
  if (order.length > 0) return { order, diagnostics };
  throw new BitwrightError({
    code: 'DATA_NO_SAMPLES',
    message:
      count === 0
        ? `The data of '${card}' holds no sample.`
        : `The data of '${card}' holds ${count} samples and 'skip' leaves none of them.`,
    hint: count === 0 ? "Check the card's files." : 'Skip fewer samples.',
    at: { file: card, ...(count === 0 ? {} : { option: 'skip' }) },
  });
}

function fewer(card: string, option: string, asked: number, got: number, unasked: boolean): Diagnostic {
  const wanted = unasked
    ? `${asked} samples are the default (${option})`
    : `${asked} samples were asked for (${option})`;
  return {
    code: 'DATA_FEWER_SAMPLES',
    severity: 'warning',
    message: `${wanted} and '${card}' has ${got}: all ${got} are used.`,
    hint: unasked ? `Give more data, or say ${option} ${got}.` : 'Give more data, or ask for fewer samples.',
    at: { file: card, option },
  };
}

function wrongSamples(samples: number): BitwrightError {
  return new BitwrightError({
    code: 'DATA_SAMPLES',
    message: `${samples} samples were asked for.`,
    hint: 'Ask for a whole number of samples, at least 1.',
    at: { option: '--samples' },
    kind: 'usage',
  });
}
