import type { OpNode, Value } from '@bitwright/graph';

/** The operators still to be looked at, each once, in the order in which they came. */
export class WorkList {
  readonly #pending: Set<OpNode>;

  constructor(nodes: Iterable<OpNode>) {
    this.#pending = new Set(nodes);
  }

  add(node: OpNode): void {
    this.#pending.add(node);
  }

  /** Adds the makers of some values and all operators that lie within so many steps behind them. */
  addReaders(values: Iterable<Value>, steps: number): void {
    let level = [...values];
    for (const { producer } of level) if (producer.kind === 'op') this.#pending.add(producer);
    for (let step = 0; step < steps && level.length > 0; step++) {
      const next: Value[] = [];
      for (const value of level) {
        for (const { node } of value.uses) {
          if (node.kind !== 'op') continue;
          this.#pending.add(node);
          next.push(...node.outputs);
        }
      }
      level = next;
    }
  }

  /** The next one that is still in its graph. */
  take(): OpNode | undefined {
    for (const node of this.#pending) {
      this.#pending.delete(node);
      if (!node.erased) return node;
    }
    return undefined;
  }
}
