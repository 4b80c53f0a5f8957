import { BitwrightError } from '@bitwright/core';
import { type GraphModule, lint, nodeName, OpNode, type Value } from '@bitwright/graph';
import { attemptRule, guardRule } from './attempt-rule.js';
import { backUp } from './back-up.js';
import { type Match, matchPattern } from './matcher.js';
import { opNameOf } from './op-schemas.js';
import { patternDepth, rootOpNames } from './pattern-data.js';
import type { Rejection } from './rejection.js';
import { RewriteSession } from './rewrite-session.js';
import type { Rule } from './rule.js';
import { WorkList } from './work-list.js';

/** What was done, and what was left alone and why. */
export interface RulesReport {
  /** In the order in which they were applied; `node` is the anchor as it was called then. */
  readonly applied: readonly { readonly rule: string; readonly node: string }[];
  /** Matches that a rule's condition refused and that are still there. */
  readonly rejected: readonly RejectedMatch[];
  /** How many operators were looked at. */
  readonly iterations: number;
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
  /** Verifies the graph after each application, to find the rule that damages it. */
  readonly verify?: boolean;
}

/**
 * Applies rules until none fits any more: at each operator, bodies included, the first rule in the list's order that
 * matches and agrees. In place; on any error the module holds the graph that it had before the call.
 *
 * @throws RULE_FAILED naming rule and node when a rule throws; RULES_DO_NOT_CONVERGE naming the rules that undo each
 * other; RULE_NAME_TAKEN when two rules have one name.
 */
export function applyRules(
  module: GraphModule,
  rules: readonly Rule[],
  options: ApplyRulesOptions = {},
): RulesReport {
  const restore = backUp(module);
  try {
    return new Engine(module, rules, options).run();
  } catch (error) {
    restore();
    throw error;
  }
}

class Engine {
  readonly #byRoot = new Map<string, Rule[]>();
  readonly #reach: number;
  readonly #applied: { rule: string; node: string }[] = [];
  readonly #rejected = new Map<OpNode, Map<Rule, RejectedMatch>>();

  constructor(
    private readonly module: GraphModule,
    rules: readonly Rule[],
    private readonly options: ApplyRulesOptions,
  ) {
    const names = new Set<string>();
    for (const rule of rules) {
      if (names.has(rule.name)) throw nameTaken(rule.name);
      names.add(rule.name);
      for (const opName of new Set(rootOpNames(rule.pattern))) {
        const list = this.#byRoot.get(opName);
        if (list === undefined) this.#byRoot.set(opName, [rule]);
        else list.push(rule);
      }
    }
    this.#reach = Math.max(1, ...rules.map(({ pattern }) => patternDepth(pattern)));
  }

  run(): RulesReport {
    const ops = [...this.module.graph.allOps()];
    const most = this.options.maxApplications ?? 10 * ops.length + 100;
    const work = new WorkList(ops);
    let iterations = 0;
    for (let node = work.take(); node !== undefined; node = work.take()) {
      iterations++;
      const rules = this.#byRoot.get(opNameOf(node));
      if (rules === undefined) continue;
      const changed = this.#visit(node, rules);
      if (changed === undefined) continue;
      if (this.#applied.length > most) throw doNotConverge(this.#applied, most);
      work.addReaders(changed, this.#reach);
      if (!node.erased) work.add(node);
    }
    const rejected = [...this.#rejected].flatMap(([node, byRule]) =>
      node.erased ? [] : [...byRule.values()],
    );
    return { applied: this.#applied, rejected, iterations };
  }

  /** Applies the first rule that fits; returns the values whose readers must be looked at again. */
  #visit(node: OpNode, rules: readonly Rule[]): Iterable<Value> | undefined {
    this.#rejected.delete(node);
    for (const rule of rules) {
      const match = matchPattern(rule.pattern, node);
      if (match === undefined) continue;
      const session = new RewriteSession(rule.name, match);
      const name = anchorName(rule, match);
      const outcome = attemptRule(rule, match, session, name);
      if (outcome !== undefined) {
        this.#noteRejection(node, rule, name, outcome);
        continue;
      }
      this.#applied.push({ rule: rule.name, node: name });
      const changed = guardRule(rule, name, () => session.commit());
      if (this.options.verify === true) lint(this.module, `${rule.name} at ${name}`);
      return changed;
    }
    return undefined;
  }

  #noteRejection(node: OpNode, rule: Rule, name: string, { code, message, culprit }: Rejection): void {
    const entry = {
      rule: rule.name,
      node: name,
      code,
      reason: message,
      ...(culprit !== undefined && { culprit }),
    };
    const byRule = this.#rejected.get(node) ?? new Map<Rule, RejectedMatch>();
    this.#rejected.set(node, byRule.set(rule, entry));
  }
}

function anchorName(rule: Rule, match: Match): string {
  const anchor = rule.anchor === undefined ? undefined : match.captures.get(rule.anchor);
  return nodeName(anchor instanceof OpNode ? anchor : match.root);
}

function doNotConverge(applied: readonly { rule: string; node: string }[], most: number): BitwrightError {
  const last = applied.slice(-20);
  const rules = [...new Set(last.map(({ rule }) => rule))].map((rule) => `'${rule}'`);
  const node = last.at(-1)?.node ?? '';
  const who =
    rules.length === 1
      ? `The rule ${rules[0]} undoes itself`
      : `The rules ${rules.join(' and ')} undo each other`;
  return new BitwrightError({
    code: 'RULES_DO_NOT_CONVERGE',
    message: `${who}: after ${most} applications they still fit, last at '${node}'.`,
    hint: 'Leave one of them out, or let its condition reject what the other makes.',
    at: { node },
  });
}

function nameTaken(name: string): BitwrightError {
  return new BitwrightError({
    code: 'RULE_NAME_TAKEN',
    message: `Two rules are called '${name}'.`,
    hint: 'Give each rule a name of its own; a plugin may put its own word in front.',
  });
}
