import type { OpNode } from '@bitwright/graph';
import { attemptRule, guardRule } from './attempt-rule.js';
import { type FailedCondition, MatchTrace } from './match-trace.js';
import { matchPattern } from './matcher.js';
import { opNameOf } from './op-schemas.js';
import { describePattern, mentionsOp, patternDepth, rootOpNames } from './pattern-data.js';
import type { Rejection } from './rejection.js';
import { RewriteSession } from './rewrite-session.js';
import type { Rule } from './rule.js';

/** What became of a rule at an operator. */
export interface RuleExplanation {
  readonly rule: string;
  /** The rule's pattern as text. */
  readonly pattern: string;
  readonly outcome: 'matches' | 'rejected' | 'no-match';
  /** The operator at which the pattern was rooted in the attempt that came farthest. */
  readonly root: string;
  /** False when the pattern has no operator of the node's type, so that it could not concern it. */
  readonly concerns: boolean;
  /** How many conditions held. */
  readonly depth: number;
  /** The first condition that failed in that attempt. */
  readonly failed?: FailedCondition;
  /** Why the rule's own condition refused a full match. */
  readonly rejection?: Pick<Rejection, 'code' | 'message' | 'culprit'>;
}

/**
 * Says how far a rule came at an operator and what stopped it. The pattern is tried at the operator and, where that is
 * not its last, at the operators behind it within the pattern's depth; an attempt that met the operator counts for more.
 *
 * @throws RULE_FAILED naming the rule.
 */
export function explainRule(node: OpNode, rule: Rule): RuleExplanation {
  let best: Attempt | undefined;
  for (const root of candidateRoots(node, rule)) {
    const attempt = explainAt(node, root, rule);
    if (attempt.explanation.outcome !== 'no-match' && attempt.met) return attempt.explanation;
    if (best === undefined || rank(attempt) > rank(best)) best = attempt;
  }
  return (best ?? explainAt(node, node, rule)).explanation;
}

/** One attempt, and whether it came by the operator that is asked about. */
interface Attempt {
  readonly explanation: RuleExplanation;
  readonly met: boolean;
}

function rank({ explanation, met }: Attempt): number {
  return (met ? 2 ** 20 : 0) + explanation.depth;
}

function explainAt(node: OpNode, root: OpNode, rule: Rule): Attempt {
  const trace = new MatchTrace();
  const match = guardRule(rule, root.displayName, () => matchPattern(rule.pattern, root, trace));
  const common = {
    rule: rule.name,
    pattern: describePattern(rule.pattern),
    root: root.displayName,
    concerns: mentionsOp(rule.pattern, opNameOf(node)),
  };
  if (match === undefined) {
    const failed = trace.failure;
    const explanation = {
      ...common,
      outcome: 'no-match',
      depth: trace.depth,
      ...(failed && { failed }),
    } as const;
    return { explanation, met: trace.hasSeen(node) };
  }
  const met = match.nodes.includes(node);
  // A rule may refuse while it rewrites, so it is run and undone.
  const session = new RewriteSession(rule.name, match);
  const verdict = attemptRule(rule, match, session, root.displayName);
  if (verdict === undefined) {
    session.rollBack();
    return { explanation: { ...common, outcome: 'matches', depth: trace.position }, met };
  }
  const { code, message, culprit } = verdict;
  const rejection = { code, message, culprit };
  return { explanation: { ...common, outcome: 'rejected', depth: trace.position, rejection }, met };
}

function candidateRoots(node: OpNode, rule: Rule): Set<OpNode> {
  const roots = new Set(rootOpNames(rule.pattern));
  const found = new Set<OpNode>();
  let level = new Set([node]);
  for (let step = patternDepth(rule.pattern); step > 0 && level.size > 0; step--) {
    const next = new Set<OpNode>();
    for (const op of level) {
      if (roots.has(opNameOf(op))) found.add(op);
      for (const value of op.outputs)
        for (const user of value.users()) if (user.kind === 'op') next.add(user);
    }
    level = next;
  }
  return found;
}
