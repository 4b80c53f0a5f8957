import type { ReportModel } from '@bitwright/analyze';
import { nodeName, type OpNode } from '@bitwright/graph';
import { planLayers } from '@bitwright/quantize';
import { explainEntries, explainRules, nearMiss } from './explain-node.js';
import type { CapturedNode } from './float-passes.js';
import type { SharedWork } from './shared-work.js';

type Explanations = NonNullable<ReportModel['explanations']>;

/** Beyond so many nodes a report explains none: `explain` does it one by one. */
const MOST_NODES = 2500;

/**
 * Explains every node of the graph behind the passes, as `explain` does it for one: the patterns with its operator that were
 * tried, how far each came, and what stopped it.
 *
 * @throws RULE_FAILED naming the rule.
 */
export function explainModel(shared: SharedWork): Explanations | undefined {
  const { module, passes, rules: all } = shared.passedModel();
  const nodes = [...module.graph.ops()];
  if (nodes.length > MOST_NODES) return undefined;
  const sources = sourcesOf(passes.captured);
  // rules are run and undone where they match
  const copy = module.clone();
  const plans = shared.tables.map(({ backend, resolver }) => ({
    backend,
    plan: planLayers(copy.graph, backend, resolver),
  }));
  const patterns = new Map<string, string>();
  const explained = [...copy.graph.ops()].map((node) => {
    const rules = explainRules(node, all).filter(({ concerns }) => concerns);
    for (const { rule, pattern } of rules) patterns.set(rule, pattern);
    return {
      name: nodeName(node),
      madeOf: sources.get(nodeName(node)) ?? [],
      rules: rules.map(({ concerns: _concerns, pattern: _pattern, ...said }) => said),
      tables: plans.map(({ backend, plan }) => {
        const entries = explainEntries(node, backend, plan);
        const nearest = nearMiss(rules, entries);
        return { backend: backend.name, entries, ...(nearest && { nearest }) };
      }),
    };
  });
  const gone = passes.captured.flatMap(({ name, opType, now, change }) =>
    now === undefined || now.erased
      ? [{ name, opType, reason: change?.reason ?? 'nothing reads its result' }]
      : [],
  );
  return { rules: [...patterns].map(([rule, pattern]) => ({ rule, pattern })), nodes: explained, gone };
}

/** What rules made each node of, by the node's name. */
function sourcesOf(captured: readonly CapturedNode[]): Map<string, Explanations['gone']> {
  const sources = new Map<string, Explanations['gone']>();
  const isStanding = (node: OpNode | undefined): node is OpNode => node !== undefined && !node.erased;
  for (const { name, opType, now, change } of captured) {
    if (!isStanding(now) || change === undefined) continue;
    const key = nodeName(now);
    sources.set(key, [...(sources.get(key) ?? []), { name, opType, reason: change.reason }]);
  }
  return sources;
}
