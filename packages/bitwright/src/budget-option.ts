import { BitwrightError } from '@bitwright/core';
import { type Budget, parseBudget } from '@bitwright/quantize';
import type { QuantizeOptions } from './quantize-options.js';

/**
 * The budget that widths are chosen under; undefined where none is asked for.
 *
 * @throws usage errors: OPTION_VALUE, BUDGET_LATENCY for a time without a table of times, OPTION_MISSING for a table without one.
 */
export function budgetOf({
  budget,
  latency,
}: Pick<QuantizeOptions, 'budget' | 'latency'>): Budget | undefined {
  const parsed = budget === undefined ? undefined : parseBudget(budget);
  if (parsed?.kind === 'latency' && latency === undefined)
    throw new BitwrightError({
      code: 'BUDGET_LATENCY',
      message: `The budget ${budget} needs the times of your device: on the runtimes that ship, the time of a layer does not follow from its bits.`,
      hint: 'Give them with --latency FILE (docs/how-to/choose-widths-under-a-budget.md), or a budget of size=… or bops=….',
      at: { option: '--budget' },
      kind: 'usage',
    });
  if (parsed?.kind !== 'latency' && latency !== undefined)
    throw new BitwrightError({
      code: 'OPTION_MISSING',
      message: '--budget latency=… is missing: --latency only says how long layers take.',
      hint: 'Write for example: --budget latency=0.5',
      at: { option: '--latency' },
      kind: 'usage',
    });
  return parsed;
}
