import { BitwrightError } from '@bitwright/core';
import { type GraphModule, nodeName, OpNode } from '@bitwright/graph';
import type { AppliedRule, ApplyRulesOptions, RejectedMatch, RulesReport } from './apply-rules.js';
import { attemptRule, guardRule } from './attempt-rule.js';
import { MatchMachine } from './match-machine.js';
import type { Match } from './matcher.js';
import { undoingRules } from './provenance.js';
import type { Rejection } from './rejection.js';
import { RewriteSession, type Touched } from './rewrite-session.js';
import type { Rule } from './rule.js';
import type { IndexedRule, RuleIndex } from './rule-index.js';
import { WorkList } from './work-list.js';

/** One run of rules over a module: visits operators, applies what fits, and keeps the books. Edits in place. */
export class Engine {
  readonly #machine = new MatchMachine();
  readonly #work: WorkList;
  readonly #applied: AppliedRule[] = [];
  readonly #removed: AppliedRule[] = [];
  readonly #rejected = new Map<OpNode, Map<Rule, RejectedMatch>>();
  /** How often an operator was matched and stayed. */
  readonly #survived = new Map<OpNode, number>();
  #limit: number;
  #bodiesCounted: boolean;

  constructor(
    private readonly module: GraphModule,
    private readonly index: RuleIndex,
    options: ApplyRulesOptions,
  ) {
    this.#work = new WorkList(module.graph);
    this.#limit = options.maxApplications ?? APPLICATIONS_A_NODE * module.graph.nodeCount + 100;
    this.#bodiesCounted = options.maxApplications !== undefined;
  }

  /** @param most applications are made, then it stops. @throws RULE_FAILED, RULES_DO_NOT_CONVERGE. */
  run(most: number): RulesReport {
    let iterations = 0;
    while (this.#applied.length < most) {
      const node = this.#work.take();
      if (node === undefined) break;
      iterations++;
      const candidates = this.index.candidates(node);
      if (candidates !== undefined) this.#visit(node, candidates);
    }
    const rejected = [...this.#rejected].flatMap(([node, byRule]) =>
      node.erased ? [] : [...byRule.values()],
    );
    return { applied: this.#applied, rejected, removed: this.#removed, iterations };
  }

  /** Applies the first rule that fits. No closures here: they would cost memory at each operator, whether they are made or not. */
  #visit(node: OpNode, candidates: readonly IndexedRule[]): void {
    this.#rejected.delete(node);
    for (let i = 0; i < candidates.length; i++) {
      const { rule, program } = candidates[i]!;
      const match = this.#match(rule, program, node);
      if (match !== undefined && this.#apply(rule, match)) return;
    }
  }

  /** Applies a rule where it agrees, and asks for the operators around to be looked at again; false where it refuses. */
  #apply(rule: Rule, match: Match): boolean {
    const { root } = match;
    const session = new RewriteSession(rule.name, match);
    const name = anchorName(rule, match);
    const outcome = attemptRule(rule, match, session, name);
    if (outcome !== undefined) {
      this.#noteRejection(root, rule, name, outcome);
      return false;
    }
    this.#applied.push({ rule: rule.name, node: name });
    const touched = guardRule(rule, name, () => session.commit());
    for (const gone of touched.removed) this.#removed.push({ rule: rule.name, node: gone });
    this.#assertProgress(root, touched);
    this.#lookAgain(root, touched);
    return true;
  }

  #match(rule: Rule, program: IndexedRule['program'], node: OpNode): Match | undefined {
    try {
      return this.#machine.match(program, node);
    } catch (thrown) {
      return guardRule(rule, nodeName(node), () => {
        throw thrown;
      });
    }
  }

  #lookAgain(node: OpNode, { made, readers, lost }: Touched): void {
    const near: OpNode[] = [...made, ...readers];
    for (const op of made) this.#work.addMade(op);
    for (const op of readers) this.#work.addAgain(op);
    for (const value of lost) near.push(...this.#work.addAround(value));
    if (!node.erased) {
      this.#work.addAgain(node);
      near.push(node);
    }
    this.#work.addBehind(near, this.index.reach);
  }

  #assertProgress(node: OpNode, { note }: Touched): void {
    const undoing = undoingRules(note);
    if (undoing !== undefined) throw doNotConverge(undoing, node, this.#applied);
    if (this.#isOverLimit()) throw doNotConverge(lastRules(this.#applied), node, this.#applied);
    if (node.erased) return;
    const times = (this.#survived.get(node) ?? 0) + 1;
    if (times > MOST_AT_A_NODE) throw doNotConverge(lastRules(this.#applied), node, this.#applied);
    this.#survived.set(node, times);
  }

  /** Nodes of bodies are counted when the others do not account for it: a walk for a number that is hardly ever reached costs time. */
  #isOverLimit(): boolean {
    if (this.#applied.length <= this.#limit) return false;
    if (!this.#bodiesCounted) this.#limit += APPLICATIONS_A_NODE * nodesInBodies(this.module);
    this.#bodiesCounted = true;
    return this.#applied.length > this.#limit;
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

/** More often than this no rule needs to be applied at an operator that stays where it is. */
const MOST_AT_A_NODE = 100;

/** Converging rules need far fewer. */
const APPLICATIONS_A_NODE = 10;

function nodesInBodies({ graph }: GraphModule): number {
  let count = 0;
  for (const node of graph.allOps()) if (node.graph !== graph) count++;
  return count;
}

function anchorName(rule: Rule, match: Match): string {
  const anchor = rule.anchor === undefined ? undefined : match.captures.get(rule.anchor);
  return nodeName(anchor instanceof OpNode ? anchor : match.root);
}

function lastRules(applied: readonly AppliedRule[]): string[] {
  return [...new Set(applied.slice(-20).map(({ rule }) => rule))];
}

function doNotConverge(
  names: readonly string[],
  root: OpNode,
  applied: readonly AppliedRule[],
): BitwrightError {
  const rules = names.map((rule) => `'${rule}'`);
  const node = applied.at(-1)?.node ?? root.opType;
  const who =
    rules.length === 1
      ? `The rule ${rules[0]} undoes itself`
      : `The rules ${rules.join(' and ')} undo each other`;
  return new BitwrightError({
    code: 'RULES_DO_NOT_CONVERGE',
    message: `${who}: after ${applied.length} applications they still fit, last at '${node}'.`,
    hint: 'Leave one of them out, or let its condition reject what the other makes.',
    at: { node },
  });
}
