import type { ReportExplanations, ReportModel, ReportVariant } from '../document.js';
import { h, table } from '../dom.js';

type Explained = ReportExplanations['nodes'][number];
type TableAttempts = Explained['tables'][number];
type Failed = NonNullable<TableAttempts['nearest']>['failed'];

/** A pattern with more characters than this is no word in a sentence. */
const LONG = 80;

/** Why a node became what it became: what it was made of, every pattern tried at it, and what stopped each. */
export function explanation(
  model: ReportModel,
  variant: ReportVariant | undefined,
  name: string,
): HTMLElement[] {
  const explained = model.explanations?.nodes.find((node) => node.name === name);
  if (explained === undefined) return [];
  const tried = explained.tables.find(({ backend }) => backend === variant?.backend);
  const patterns = new Map(model.explanations!.rules.map(({ rule, pattern }) => [rule, pattern]));
  return [
    ...(explained.madeOf.length > 0 ? [madeOf(explained)] : []),
    ...(tried?.nearest ? [nearestMiss(tried.nearest)] : []),
    h(
      'details',
      { class: 'patterns', open: '' },
      h('summary', {}, summary(explained, tried)),
      ...(tried && tried.entries.length > 0 ? [entries(tried)] : []),
      ...(explained.rules.length > 0 ? [rules(explained, patterns)] : []),
    ),
  ];
}

/** The operators of the file that are not in the graph any more. */
export function goneOperators({ explanations }: ReportModel): HTMLElement[] {
  if (explanations === undefined || explanations.gone.length === 0) return [];
  return [
    h(
      'details',
      {},
      h('summary', {}, `${explanations.gone.length} operators of the file are gone`),
      table(
        'Gone operators',
        ['operator', 'type', 'why'],
        explanations.gone.map(({ name, opType, reason }) => [name, opType, reason]),
      ),
    ),
  ];
}

function summary({ rules: tried }: Explained, table: TableAttempts | undefined): string {
  const entries = table === undefined ? '' : `${table.entries.length} entries of the table and `;
  return `Patterns tried: ${entries}${tried.length} rules have this operator`;
}

function madeOf({ madeOf: sources }: Explained): HTMLElement {
  return table(
    'It stands for',
    ['operator of the file', 'type', 'how'],
    sources.map(({ name, opType, reason }) => [name, opType, reason]),
  );
}

function nearestMiss({ pattern, of, failed }: NonNullable<TableAttempts['nearest']>): HTMLElement {
  // a long pattern stands in the list below
  const what = pattern.length > LONG ? of : `${pattern} of ${of}`;
  return h('p', { class: 'near-miss' }, `Nearest miss: ${what}, ${failure(failed)}`);
}

function entries({ backend, entries: all }: TableAttempts): HTMLElement {
  return table(
    `Table ${backend}`,
    ['pattern', 'outcome'],
    all.map(({ pattern, outcome, failed, refusal }) => [
      pattern,
      failed !== undefined
        ? failure(failed)
        : outcome === 'claims'
          ? 'claims it'
          : refusal === undefined
            ? 'fits'
            : `fits, but ${refusal.code}: ${refusal.reason}`,
    ]),
  );
}

function rules({ rules: all }: Explained, patterns: ReadonlyMap<string, string>): HTMLElement {
  return table(
    'Rules, those that came farthest first',
    ['rule', 'outcome', 'pattern'],
    all.map(({ rule, outcome, depth, failed, rejection }) => [
      rule,
      rejection !== undefined
        ? `fits, and refuses: ${rejection.code}${rejection.culprit ? ` ['${rejection.culprit}']` : ''}, ${rejection.message}`
        : failed !== undefined
          ? `${depth} conditions held, then ${failure(failed)}`
          : outcome === 'matches'
            ? 'fits'
            : 'does not fit',
      h('code', {}, patterns.get(rule) ?? ''),
    ]),
  );
}

function failure({ node, value, needed, found }: Failed): string {
  return `at '${node}'${value === undefined ? '' : ` ('${value}')`}: needed ${needed}, found ${found}`;
}
