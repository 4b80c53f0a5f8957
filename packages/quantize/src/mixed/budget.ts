import { BitwrightError, didYouMean } from '@bitwright/core';

/** What a budget counts: bytes of packed weights, or bit operations of one sample. */
export type BudgetKind = 'size' | 'bops';

/** A limit on what the weights of a model may cost, over all layers that are quantized with weights. */
export interface Budget {
  readonly kind: BudgetKind;
  /** As it was written, for messages. */
  readonly text: string;
  /** The limit as a share of what the same layers cost with 8-bit weights, or as it is (bytes, or bit operations). */
  readonly limit: { readonly share: number } | { readonly absolute: number };
}

const KINDS = ['size', 'bops', 'latency'];
const UNITS = ['', 'K', 'M', 'G', 'T'];

/**
 * Reads `size=0.5`, `size=120KB` (of 1024 bytes), `bops=0.5` or `bops=2e9`. A plain number up to 1 is a share.
 *
 * @throws BUDGET_LATENCY, OPTION_VALUE (wrong usage).
 */
export function parseBudget(text: string): Budget {
  const [, kind = '', value = ''] = /^\s*(\w+)\s*=\s*(.+?)\s*$/.exec(text) ?? [];
  if (kind === 'latency') throw latency();
  if (kind !== 'size' && kind !== 'bops')
    throw wrong(text, kind === '' ? 'Write for example size=0.5.' : didYouMean(kind, KINDS));
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?(?:e\d+)?)\s*((?:[KMGT]i?)?B)?$/i.exec(value) ?? [];
  const number = Number(digits);
  if (!(number > 0) || !Number.isFinite(number) || (unit !== '' && kind === 'bops'))
    throw wrong(
      text,
      kind === 'size'
        ? 'Write size=0.5 or size=120KB.'
        : 'Write bops=0.5 or a number of bit operations, bops=2e9.',
    );
  if (unit === '' && number <= 1) return { kind, text, limit: { share: number } };
  const factor = 1024 ** Math.max(0, UNITS.indexOf(unit[0]?.toUpperCase() ?? ''));
  return { kind, text, limit: { absolute: number * factor } };
}

function latency(): BitwrightError {
  return new BitwrightError({
    code: 'BUDGET_LATENCY',
    message:
      '--budget latency=… can not be kept: on the runtimes that ship, the time of a layer does not follow from its bits, so there is nothing to choose widths by.',
    hint: 'Give size=… or bops=…; look at real times with bitwright certify.',
    at: { option: '--budget' },
    kind: 'usage',
  });
}

function wrong(text: string, hint: string): BitwrightError {
  return new BitwrightError({
    code: 'OPTION_VALUE',
    message: `--budget can't be '${text}'.`,
    hint,
    at: { option: '--budget' },
    kind: 'usage',
  });
}
