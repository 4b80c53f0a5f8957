import type { ExecutionMode } from '@bitwright/runtime';
import type { SweepComparison, SweepDocument, SweepRun } from './sweep-document.js';

const RUN_COLUMNS = [
  'model',
  'bits',
  'scheme',
  'method',
  'correct',
  'total',
  'low95',
  'high95',
  'agreement',
  'kl_nats',
  'bytes',
  'error',
] as const;

/** The runs of a sweep as CSV (RFC 4180), one line a run, the float models first. */
export function runsCsv(document: SweepDocument): string {
  const floats = document.floats.map(({ model, correct, total, interval }) => [
    model,
    'float',
    '',
    '',
    correct,
    total,
    interval.low,
    interval.high,
    '',
    '',
    '',
    '',
  ]);
  const runs = document.runs.map((run) => [
    run.model,
    run.bits,
    run.scheme,
    run.method,
    run.correct,
    run.total,
    run.interval?.low,
    run.interval?.high,
    run.agreement,
    run.divergence,
    run.bytes,
    run.error?.code,
  ]);
  return csv([RUN_COLUMNS, ...floats, ...runs]);
}

/** The comparisons of a sweep as CSV. */
export function comparisonsCsv(document: SweepDocument): string {
  const head = [
    'bits',
    'scheme',
    'method',
    'first',
    'second',
    'only_first',
    'only_second',
    'exact_p',
    'mid_p',
  ];
  const rows = document.comparisons.map((found) => [
    found.bits,
    found.scheme,
    found.method,
    found.first,
    found.second,
    found.onlyFirst,
    found.onlySecond,
    found.exact,
    found.midP,
  ]);
  return csv([head, ...rows]);
}

const MODES: Readonly<Record<ExecutionMode, string>> = {
  faithful: 'quantizers simulated exactly (faithful mode)',
  default: 'stock sessions of ONNX Runtime (default mode)',
};

/**
 * A sweep as Markdown: for each scheme and method a table of widths by models with n_correct/n_total and the Wilson 95 %
 * interval in percent, then the comparisons, then the cells that failed.
 */
export function sweepMarkdown(document: SweepDocument): string {
  const { calibration, evaluation } = document;
  const lines = [
    `${calibration.samples} calibration samples (${calibration.name}), ${evaluation.samples} evaluation samples (${evaluation.name}), ${MODES[document.mode]}. Intervals: Wilson, 95 %.`,
    ...(calibration.synthetic || evaluation.synthetic
      ? ['', 'Made-up samples: these figures say nothing about the models.']
      : []),
  ];
  for (const [scheme, method] of conventions(document.runs)) {
    const runs = document.runs.filter((run) => run.scheme === scheme && run.method === method);
    const models = [...new Set(runs.map(({ model }) => model))];
    lines.push('', `Scheme ${scheme}, method ${method}:`, '', ...accuracyTable(document, runs, models));
    const comparisons = document.comparisons.filter(
      (found) => found.bits === 'float' || (found.scheme === scheme && found.method === method),
    );
    if (comparisons.length > 0) lines.push('', ...comparisonTable(comparisons));
  }
  const failed = document.runs.filter(({ error }) => error !== undefined);
  if (failed.length > 0) {
    lines.push('', 'Failed:', '');
    for (const { model, bits, scheme, method, error } of failed)
      lines.push(
        `- ${model} at ${bits} (${scheme}, ${method}): ${error!.code}: ${error!.message} ${error!.hint}`,
      );
  }
  return `${lines.join('\n')}\n`;
}

function accuracyTable(
  document: SweepDocument,
  runs: readonly SweepRun[],
  models: readonly string[],
): string[] {
  const cell = (scores: Pick<SweepRun, 'correct' | 'total' | 'interval' | 'error'> | undefined): string => {
    if (scores === undefined) return '';
    if (scores.error !== undefined) return scores.error.code;
    const { low, high } = scores.interval!;
    return `${scores.correct}/${scores.total} [${percent(low)}, ${percent(high)}]`;
  };
  const widths = [...new Set(runs.map(({ bits }) => bits))];
  return markdownTable([
    ['', ...models.map(shortName(models))],
    ['float', ...models.map((model) => cell(document.floats.find((float) => float.model === model)))],
    ...widths.map((bits) => [
      bits,
      ...models.map((model) => cell(runs.find((run) => run.model === model && run.bits === bits))),
    ]),
  ]);
}

function comparisonTable(comparisons: readonly SweepComparison[]): string[] {
  const short = shortName([...new Set(comparisons.flatMap(({ first, second }) => [first, second]))]);
  return markdownTable([
    ['', 'first', 'second', 'only first right', 'only second right', 'McNemar exact p', 'mid-p'],
    ...comparisons.map((found) => [
      found.bits,
      short(found.first),
      short(found.second),
      String(found.onlyFirst),
      String(found.onlySecond),
      found.exact.toPrecision(3),
      found.midP.toPrecision(3),
    ]),
  ]);
}

/** The files' names where they tell the models apart, else the paths. */
function shortName(paths: readonly string[]): (path: string) => string {
  const last = (path: string): string =>
    path
      .split(/[\\/]/)
      .at(-1)!
      .replace(/\.onnx$/i, '');
  return new Set(paths.map(last)).size === paths.length ? last : (path) => path;
}

function conventions(runs: readonly SweepRun[]): [string, string][] {
  const seen = new Map(runs.map(({ scheme, method }) => [`${scheme} ${method}`, [scheme, method] as const]));
  return [...seen.values()].map(([scheme, method]) => [scheme, method]);
}

function markdownTable(rows: readonly (readonly string[])[]): string[] {
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(rows[0]!), line(rows[0]!.map(() => '---')), ...rows.slice(1).map(line)];
}

function percent(share: number): string {
  return (100 * share).toFixed(2);
}

function csv(rows: readonly (readonly (string | number | undefined)[])[]): string {
  const cell = (value: string | number | undefined): string => {
    const text = String(value ?? '');
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}
