import type { Diagnostic } from '@bitwright/core';
import { diagnoseAccuracy, diagnoseFloatAccuracy } from '../diagnose/diagnose-accuracy.js';
import { BitSet } from '../statistics/bit-set.js';
import { mcNemar } from '../statistics/mcnemar.js';
import { wilsonInterval } from '../statistics/wilson.js';
import type { Frequent, ShardScores } from './evaluate-shard.js';
import type { SweepComparison, SweepDocument, SweepFloat, SweepRun } from './sweep-document.js';
import type { CellOutcome, Entrant, SweepOutcomes } from './sweep-outcome.js';
import { cellName, type SweepPlan, type SweepSetting } from './sweep-plan.js';

/** The document of a sweep from its outcomes: models in the order given, settings in the order of the plan. */
export function buildDocument(
  plan: SweepPlan,
  entrants: readonly Entrant[],
  sweep: string,
  outcomes: SweepOutcomes,
): SweepDocument {
  const samples = entrants.find((entrant) => entrant.samples !== undefined)?.samples;
  const data = (
    source: { readonly name: string; readonly synthetic: boolean } | undefined,
    count: number,
  ) => ({
    name: source?.name ?? '',
    samples: count,
    synthetic: source?.synthetic ?? false,
  });
  return {
    kind: 'bitwright.sweep',
    version: 1,
    sweep,
    mode: plan.mode,
    calibration: data(samples?.calibration, samples?.calibration.count ?? 0),
    evaluation: data(samples?.evaluation, samples?.evaluationCount ?? 0),
    floats: entrants.flatMap((entrant) => floatOf(entrant, outcomes.float(entrant))),
    runs: entrants.flatMap((entrant) =>
      plan.settings.map((setting) =>
        runOf(entrant, setting, outcomes.cell(entrant, setting), totalsOf(outcomes.float(entrant))),
      ),
    ),
    comparisons: compare(plan, entrants, outcomes),
  };
}

/** The sums over all shards; undefined for a cell that failed. */
interface Totals {
  readonly correct: number;
  readonly total: number;
  readonly top5?: number;
  readonly agreement: number;
  readonly nats: number;
  readonly right: readonly ShardScores[];
  readonly classes: number;
  readonly mostAnswered: number;
  readonly mostLabelled: number;
}

function totalsOf(outcome: CellOutcome): Totals | undefined {
  const { scores, failure } = outcome;
  if (failure !== undefined || scores.length === 0) return undefined;
  const sum = (of: (shard: ShardScores) => number): number =>
    scores.reduce((total, shard) => total + of(shard), 0);
  const total = sum((shard) => shard.count);
  return {
    correct: sum((shard) => shard.correct.count),
    total,
    ...(scores[0]!.classes > 5 && { top5: sum((shard) => shard.top5) }),
    agreement: sum((shard) => shard.agreement),
    nats: sum((shard) => shard.microNats) / 1e6 / total,
    right: [...scores].sort((a, b) => a.first - b.first),
    classes: scores[0]!.classes,
    mostAnswered: frequencyOf(scores.map(({ most }) => most.answered)),
    mostLabelled: frequencyOf(scores.map(({ most }) => most.labelled)),
  };
}

/** How many samples have the most frequent class: what nine of ten samples have is the most frequent in every shard. */
function frequencyOf(most: readonly Frequent[]): number {
  const counts = new Map<number, number>();
  for (const [index, count] of most) counts.set(index, (counts.get(index) ?? 0) + count);
  return Math.max(...counts.values());
}

function floatOf(entrant: Entrant, outcome: CellOutcome): SweepFloat[] {
  const totals = totalsOf(outcome);
  if (totals === undefined) return [];
  const { correct, total, top5 } = totals;
  return [
    {
      model: entrant.subject.path,
      sha256: entrant.loaded!.sha256,
      correct,
      total,
      ...(top5 !== undefined && { top5 }),
      interval: wilsonInterval(correct, total),
      ...told(diagnoseFloatAccuracy(totals, entrant.subject.path)),
    },
  ];
}

function runOf(
  entrant: Entrant,
  setting: SweepSetting,
  outcome: CellOutcome,
  float: Totals | undefined,
): SweepRun {
  const { bits, scheme, method } = setting;
  const identity = { model: entrant.subject.path, bits, scheme, method };
  const totals = totalsOf(outcome);
  if (totals === undefined) {
    const { code, message, hint, at } = outcome.failure!;
    return { ...identity, error: { code, message, hint, at } };
  }
  const { correct, total, top5, agreement, nats } = totals;
  return {
    ...identity,
    correct,
    total,
    ...(top5 !== undefined && { top5 }),
    interval: wilsonInterval(correct, total),
    agreement,
    divergence: nats,
    bytes: outcome.size!,
    dialect: outcome.dialect!,
    ...(outcome.file !== undefined && { file: outcome.file }),
    ...told(
      diagnoseAccuracy(totals, {
        model: cellName({ subject: entrant.subject, setting }),
        bits: [...bits.matchAll(/\d+/g)].map(([width]) => Number(width)),
        ...(float && { float }),
      }),
    ),
  };
}

/** Diagnostics as a field, where there are some. */
function told(diagnostics: readonly Diagnostic[]): Pick<SweepRun, 'diagnostics'> {
  return diagnostics.length === 0 ? {} : { diagnostics: [...diagnostics] };
}

/** McNemar's test for every pair of models, as float and at every setting. */
function compare(plan: SweepPlan, entrants: readonly Entrant[], outcomes: SweepOutcomes): SweepComparison[] {
  const found: SweepComparison[] = [];
  for (const setting of [undefined, ...plan.settings]) {
    const totals = entrants.map((entrant) =>
      totalsOf(setting === undefined ? outcomes.float(entrant) : outcomes.cell(entrant, setting)),
    );
    for (const [i, first] of totals.entries()) {
      for (const [k, second] of totals.entries()) {
        if (k <= i || first === undefined || second === undefined || first.total !== second.total) continue;
        const [a, b] = [merged(first), merged(second)];
        found.push({
          bits: setting?.bits ?? 'float',
          ...(setting && { scheme: setting.scheme, method: setting.method }),
          first: entrants[i]!.subject.path,
          second: entrants[k]!.subject.path,
          ...mcNemar(a.countWithout(b), b.countWithout(a)),
        });
      }
    }
  }
  return found;
}

/** One bit a sample over all shards, which models of different inputs may have cut differently. */
function merged(totals: Totals): BitSet {
  const all = new BitSet(totals.total);
  for (const { first, count, correct } of totals.right)
    for (let i = 0; i < count; i++) if (correct.has(i)) all.add(first + i);
  return all;
}
