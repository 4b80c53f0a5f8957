import { BitwrightError, didYouMean } from '@bitwright/core';

/** What a budget counts: bytes of packed weights, bit operations of one sample, or its time in milliseconds. */
export type BudgetKind = (typeof KINDS)[number];

/** A limit on what the weights of a model may cost, over all layers that are quantized with weights. */
export interface Budget {
  readonly kind: BudgetKind;
  /** As it was written, for messages. */
  readonly text: string;
  /** The limit as a share of what the same layers cost with 8-bit weights, or as it is (bytes, bit operations, milliseconds). */
  readonly limit: { readonly share: number } | { readonly absolute: number };
}

const KINDS = ['size', 'bops', 'latency'] as const;
const UNITS: Readonly<Record<BudgetKind, Readonly<Record<string, number>>>> = {
  size: { '': 1, b: 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30, tb: 2 ** 40 },
  bops: { '': 1 },
  latency: { us: 1e-3, ms: 1, s: 1e3 },
};
const EXAMPLES: Readonly<Record<BudgetKind, string>> = {
  size: 'Write size=0.5 or size=120KB.',
  bops: 'Write bops=0.5 or a number of bit operations, bops=2e9.',
  latency: 'Write latency=0.5 or a time, latency=5ms.',
};

/**
 * Reads `size=0.5`, `size=120KB` (of 1024 bytes), `bops=0.5`, `bops=2e9`, `latency=0.5` or `latency=5ms`. A plain number up to 1 is
 * a share.
 *
 * @throws OPTION_VALUE (wrong usage).
 */
export function parseBudget(text: string): Budget {
  const [, word = '', value = ''] = /^\s*(\w+)\s*=\s*(.+?)\s*$/.exec(text) ?? [];
  const kind = KINDS.find((known) => known === word);
  if (kind === undefined)
    throw wrong(text, word === '' ? 'Write for example size=0.5.' : didYouMean(word, KINDS));
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?(?:e\d+)?)\s*([a-z]*)$/i.exec(value) ?? [];
  const number = Number(digits);
  if (!(number > 0) || !Number.isFinite(number)) throw wrong(text, EXAMPLES[kind]);
  if (unit === '' && number <= 1) return { kind, text, limit: { share: number } };
  const factor = UNITS[kind][unit.toLowerCase().replace('ib', 'b')];
  if (factor === undefined) throw wrong(text, EXAMPLES[kind]);
  return { kind, text, limit: { absolute: number * factor } };
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
