import { BitwrightError } from '@bitwright/core';
import type { Captured } from './matcher.js';
import type { Pattern } from './pattern.js';
import type { AnchorOf } from './pattern-builders.js';
import { captureNames, childrenOf, describePattern, type PatternData, rootOpNames } from './pattern-data.js';
import type { CapturesOf, CheckedReferences } from './pattern-types.js';
import type { Rejection } from './rejection.js';
import type { Rewriter } from './rewriter.js';

/** What a rule is made of. */
export interface RuleInit<P extends Pattern> {
  /** Unique among the rules that are applied together: `fold-batch-norm-into-conv`. */
  readonly name: string;
  readonly match: P;
  /** The captured operator by which reports call a match; the root of the pattern by default. */
  readonly anchor?: AnchorOf<P>;
  /** Conditions that a pattern cannot say; a match that fails them is reported with the reason. */
  readonly where?: (captures: CapturesOf<P>) => true | Rejection;
  /** Edits the graph, through the rewriter only. A rejection undoes what was made. */
  readonly rewrite: (captures: CapturesOf<P>, r: Rewriter) => Rejection | undefined;
}

/** A rewriting rule as the engine sees it. */
export interface Rule {
  readonly name: string;
  /** Who brings it, for messages: `the plugin 'my-fusions'`. */
  readonly source?: string;
  readonly pattern: PatternData;
  readonly anchor: string | undefined;
  where(captures: ReadonlyMap<string, Captured>): true | Rejection;
  rewrite(captures: ReadonlyMap<string, Captured>, r: Rewriter): Rejection | undefined;
}

/**
 * Makes a rule: where `match` is found and `where` agrees, `rewrite` puts something equal and better.
 *
 * @throws PATTERN_INVALID when the pattern does not end at an operator, or `same` or `resultOf` names a capture that is not
 * bound before it; the compiler says it first where nothing binds it.
 */
export function defineRule<P extends Pattern>(init: RuleInit<P> & CheckedReferences<P>): Rule {
  const pattern = init.match.data;
  assertRooted(init.name, pattern);
  assertSameBound(init.name, pattern, new Set());
  return {
    name: init.name,
    pattern,
    anchor: init.anchor,
    where: (captures) => (init.where === undefined ? true : init.where(byName(captures) as CapturesOf<P>)),
    rewrite: (captures, r) => init.rewrite(byName(captures) as CapturesOf<P>, r) ?? undefined,
  };
}

/** Twice as fast as Object.fromEntries, which counts at tens of thousands of matches. */
function byName(captures: ReadonlyMap<string, Captured>): Readonly<Record<string, Captured>> {
  const named: Record<string, Captured> = {};
  for (const [name, captured] of captures) named[name] = captured;
  return named;
}

function assertRooted(rule: string, pattern: PatternData): void {
  const options = pattern.kind === 'anyOf' ? pattern.options : [pattern];
  for (const option of options) {
    if (option.kind === 'anyOf') assertRooted(rule, option);
    else if (option.kind !== 'op')
      throw invalid(`The rule '${rule}' is rooted at ${describePattern(option)}, which is not an operator.`);
  }
  if (rootOpNames(pattern).length === 0) throw invalid(`The rule '${rule}' has a pattern without operators.`);
}

function assertSameBound(rule: string, pattern: PatternData, bound: Set<string>): void {
  if ((pattern.kind === 'same' || pattern.kind === 'resultOf') && !bound.has(pattern.of))
    throw invalid(
      pattern.kind === 'same'
        ? `The rule '${rule}' asks for the same value as '${pattern.of}', which is not captured before.`
        : `The rule '${rule}' asks for a result of '${pattern.of}', which is not captured before.`,
    );
  if (pattern.capture !== undefined) bound.add(pattern.capture);
  for (const child of childrenOf(pattern)) {
    assertSameBound(rule, child, bound);
    captureNames(child, bound);
  }
}

function invalid(message: string): BitwrightError {
  return new BitwrightError({ code: 'PATTERN_INVALID', message, hint: 'Correct the pattern of the rule.' });
}

/** How messages call a rule: with who brings it, where that is known. */
export function ruleLabel({ name, source }: Rule): string {
  return source === undefined ? `'${name}'` : `'${name}' of ${source}`;
}
