import { BitwrightError, describeThrown } from '@bitwright/core';
import type { Match } from './matcher.js';
import { isRejection, type Rejection } from './rejection.js';
import type { RewriteSession } from './rewrite-session.js';
import { type Rule, ruleLabel } from './rule.js';

/**
 * Runs a rule at a match up to, and without, the commit of its session; a rejection leaves nothing behind.
 *
 * @throws RULE_FAILED naming rule and node.
 */
export function attemptRule(
  rule: Rule,
  match: Match,
  session: RewriteSession,
  node: string,
): Rejection | undefined {
  return guardRule(rule, node, () => {
    const verdict: unknown = rule.where(match.captures);
    const answer: unknown = verdict === true ? rule.rewrite(match.captures, session) : verdict;
    if (answer === undefined && verdict === true) return undefined;
    if (!isRejection(answer)) throw noAnswer(verdict === true ? 'rewrite' : 'where', answer);
    session.rollBack();
    return answer;
  });
}

function noAnswer(part: 'where' | 'rewrite', answer: unknown): BitwrightError {
  const wanted = part === 'where' ? 'neither true nor a rejection' : 'which is no rejection';
  const given = answer instanceof Promise ? 'a promise' : describeThrown(answer);
  return new BitwrightError({
    code: 'RULE_ANSWER',
    message: `its ${part} returns ${given}, ${wanted}`,
    hint: 'Return reject(code, message, culprit) to leave a match alone; rules are not asynchronous.',
  });
}

/** Runs a part of a rule so that whatever it throws says which rule failed and where. */
export function guardRule<T>(rule: Rule, node: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw new BitwrightError({
      code: 'RULE_FAILED',
      message: `The rule ${ruleLabel(rule)} failed at '${node}': ${describeThrown(cause)}`,
      hint: 'This is a defect of the rule. Leave it out, or mend it; the model was not changed.',
      at: { node },
      cause,
    });
  }
}
