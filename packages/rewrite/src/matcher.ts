import type { GetAttrNode, OpNode, Value } from '@bitwright/graph';
import { compilePattern } from './compile-pattern.js';
import { MatchMachine } from './match-machine.js';
import type { MatchTrace } from './match-trace.js';
import type { PatternData } from './pattern-data.js';

/** What a name captures. */
export type Captured = Value | OpNode | GetAttrNode | undefined | readonly Captured[];

/** A pattern found in a graph. */
export interface Match {
  readonly root: OpNode;
  /** By name, in the order in which the pattern binds them; names below an absent optional are undefined. */
  readonly captures: ReadonlyMap<string, Captured>;
  /** The operators matched, the root first. */
  readonly nodes: readonly OpNode[];
}

/**
 * Looks for a pattern that ends at an operator.
 *
 * Inner operators have no reader outside the match (being an output of the graph is one) unless they are `shared`, and stand
 * in the root's graph unless they are `crossing`. All alternatives and both orders of commuting inputs are tried.
 *
 * @param trace collects why it failed; without it nothing is spent on reasons.
 */
export function matchPattern(pattern: PatternData, root: OpNode, trace?: MatchTrace): Match | undefined {
  return new MatchMachine().match(compilePattern(pattern), root, trace);
}
