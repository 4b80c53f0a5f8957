import { nodeName, type OpNode, type Value } from '@bitwright/graph';

/** One condition that a match failed at. */
export interface FailedCondition {
  /** The operator at which it failed, or that reads the value. */
  readonly node: string;
  /** The value that it is about. */
  readonly value?: string;
  readonly needed: string;
  readonly found: string;
}

/** Collects, on request only, how far a match came and the condition that stopped it there. */
export class MatchTrace {
  /** How many conditions hold at the moment. */
  position = 0;
  readonly #seen = new Set<OpNode>();
  #best: FailedCondition | undefined;
  #bestDepth = -1;

  /** The failed condition of the attempt that came farthest; of several, the first. */
  get failure(): FailedCondition | undefined {
    return this.#best;
  }

  /** How many conditions held before it. */
  get depth(): number {
    return Math.max(0, this.#bestDepth);
  }

  /** True for an operator that the pattern was held against, whether it fitted there or not. */
  hasSeen(node: OpNode): boolean {
    return this.#seen.has(node);
  }

  see(node: OpNode): void {
    this.#seen.add(node);
  }

  /** @param found is asked for words only where this is the failure that came farthest. */
  fail(node: OpNode, value: Value | undefined, needed: string, depth: number, found: () => string): void {
    this.#seen.add(node);
    if (value?.producer.kind === 'op') this.#seen.add(value.producer);
    if (depth <= this.#bestDepth) return;
    this.#bestDepth = depth;
    this.#best = { node: nodeName(node), ...(value && { value: value.name }), needed, found: found() };
  }
}
