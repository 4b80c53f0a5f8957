import type { OpNode } from '@bitwright/graph';
import { type EntryExplanation, explainTable, type LayerPlan } from '@bitwright/quantize';
import { explainRule, type Rule, type RuleExplanation } from '@bitwright/rewrite';

type Backend = Parameters<typeof explainTable>[1];

/** The pattern that came farthest without fitting, and what stopped it. */
export interface NearMiss {
  readonly pattern: string;
  readonly of: string;
  readonly failed: NonNullable<RuleExplanation['failed']>;
}

/** Every rule at a node, those that came farthest first. */
export function explainRules(node: OpNode, rules: readonly Rule[]): RuleExplanation[] {
  const weight = ({ concerns, depth }: RuleExplanation) => depth + (concerns ? 2 ** 20 : 0);
  return rules.map((rule) => explainRule(node, rule)).toSorted((a, b) => weight(b) - weight(a));
}

/** Every entry of a table at a node, those that came farthest first. */
export function explainEntries(node: OpNode, backend: Backend, plan: LayerPlan): EntryExplanation[] {
  return explainTable(node, backend, plan).toSorted((a, b) => b.depth - a.depth);
}

/** Of all rules and entries that do not fit, the one that came farthest. */
export function nearMiss(
  rules: readonly RuleExplanation[],
  entries: readonly EntryExplanation[],
): NearMiss | undefined {
  const misses = [
    ...rules.flatMap(({ rule, pattern, concerns, depth, failed }) =>
      failed === undefined || !concerns ? [] : [{ pattern, of: `the rule '${rule}'`, depth, failed }],
    ),
    ...entries.flatMap(({ pattern, depth, failed }) =>
      failed === undefined ? [] : [{ pattern, of: 'the table', depth, failed }],
    ),
  ];
  const best = misses.reduce<(typeof misses)[number] | undefined>(
    (most, miss) => (most !== undefined && most.depth >= miss.depth ? most : miss),
    undefined,
  );
  return best && { pattern: best.pattern, of: best.of, failed: best.failed };
}
