import { BitwrightError, describeThrown } from '@bitwright/core';
import { allOrNothing, type GraphModule, lint } from '@bitwright/graph';
import { Engine } from './engine.js';
import { type Rule, ruleLabel } from './rule.js';
import { RuleIndex } from './rule-index.js';

/** What was done, and what was left alone and why. */
export interface RulesReport {
  /** In the order in which they were applied; `node` is the anchor as it was called then. */
  readonly applied: readonly AppliedRule[];
  /** Matches that a rule's condition refused and that are still there. */
  readonly rejected: readonly RejectedMatch[];
  /** Operators of the module as it was given that are gone, and the rule that took each. */
  readonly removed: readonly AppliedRule[];
  /** How many operators were looked at. */
  readonly iterations: number;
}

/** One application of a rule. */
export interface AppliedRule {
  readonly rule: string;
  readonly node: string;
}

/** A match that a rule left alone. */
export interface RejectedMatch {
  readonly rule: string;
  readonly node: string;
  readonly code: string;
  readonly reason: string;
  /** The node or value to blame. */
  readonly culprit?: string;
}

/** How rules are applied. */
export interface ApplyRulesOptions {
  /** The most applications before the rules count as not converging; 10 for each operator and 100 by default. */
  readonly maxApplications?: number;
}

/**
 * Applies rules until none fits any more: at each operator, bodies included, the first rule in the list's order that
 * matches and agrees. In place; the graph is verified when anything was changed, and on any error it is as before the call.
 *
 * @throws RULE_FAILED naming rule and node when a rule throws; RULE_BREAKS_GRAPH when it leaves a graph that is not valid;
 * RULES_DO_NOT_CONVERGE naming the rules that undo each other; RULE_NAME_TAKEN when two rules have one name.
 */
export function applyRules(
  module: GraphModule,
  rules: readonly Rule[],
  options: ApplyRulesOptions = {},
): RulesReport {
  assertNamesDiffer(rules);
  const index = new RuleIndex(rules);
  const run = (most: number) => new Engine(module, index, options).run(most);
  let applications = 0;
  try {
    return allOrNothing(() => {
      const report = run(Number.POSITIVE_INFINITY);
      applications = report.applied.length;
      if (applications > 0) lint(module);
      return report;
    });
  } catch (thrown) {
    if (applications === 0) throw thrown;
    throw blame(module, run, applications, thrown, rules);
  }
}

/** Finds the application that damaged the graph, by doing fewer and fewer of them again. All are taken back. */
function blame(
  module: GraphModule,
  run: (most: number) => RulesReport,
  applications: number,
  damage: unknown,
  rules: readonly Rule[],
): unknown {
  let [valid, damaged] = [0, applications];
  if (trial(module, run, 0).damage !== undefined) return damage;
  while (damaged - valid > 1) {
    const middle = Math.floor((valid + damaged) / 2);
    if (trial(module, run, middle).damage === undefined) valid = middle;
    else damaged = middle;
  }
  const { last, damage: cause } = trial(module, run, damaged);
  return last === undefined ? damage : breaksGraph(last, cause ?? damage, rules);
}

/** Applies so many rules, looks whether the graph is valid, and takes everything back. */
function trial(
  module: GraphModule,
  run: (most: number) => RulesReport,
  most: number,
): { last?: AppliedRule | undefined; damage?: unknown } {
  const seen: { last?: AppliedRule | undefined; damage?: unknown } = {};
  const over = new Error('the trial is over');
  try {
    allOrNothing(() => {
      seen.last = run(most).applied.at(-1);
      try {
        lint(module);
      } catch (damage) {
        seen.damage = damage;
      }
      throw over;
    });
  } catch (thrown) {
    if (thrown !== over) throw thrown;
  }
  return seen;
}

function breaksGraph({ rule, node }: AppliedRule, cause: unknown, rules: readonly Rule[]): BitwrightError {
  const culprit = rules.find(({ name }) => name === rule);
  const label = culprit === undefined ? `'${rule}'` : ruleLabel(culprit);
  return new BitwrightError({
    code: 'RULE_BREAKS_GRAPH',
    message: `The rule ${label} left a graph that is not valid at '${node}': ${describeThrown(cause)}`,
    hint: 'This is a defect of the rule. Leave it out, or mend it; the model was not changed.',
    at: { node },
    cause,
  });
}

function assertNamesDiffer(rules: readonly Rule[]): void {
  const names = new Set<string>();
  for (const { name } of rules) {
    if (names.has(name)) throw nameTaken(name);
    names.add(name);
  }
}

function nameTaken(name: string): BitwrightError {
  return new BitwrightError({
    code: 'RULE_NAME_TAKEN',
    message: `Two rules are called '${name}'.`,
    hint: 'Give each rule a name of its own; a plugin may put its own word in front.',
  });
}
