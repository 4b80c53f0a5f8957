import type { OpNode, Value } from '@bitwright/graph';

/** The operators still to be looked at, each once, in the order in which they came. */
export class WorkList {
  readonly #pending = new Set<OpNode>();
  // The order lies in a list of its own: a Set that loses its first element again and again gets slow.
  readonly #queue: OpNode[] = [];
  #next = 0;

  constructor(nodes: Iterable<OpNode>) {
    for (const node of nodes) this.add(node);
  }

  add(node: OpNode): void {
    if (this.#pending.has(node)) return;
    this.#pending.add(node);
    this.#queue.push(node);
  }

  /** Adds the makers of some values and all operators that lie within so many steps behind them. */
  addReaders(values: Iterable<Value>, steps: number): void {
    let level = [...values];
    for (const { producer } of level) if (producer.kind === 'op') this.add(producer);
    for (let step = 0; step < steps && level.length > 0; step++) {
      const next: Value[] = [];
      for (const value of level) {
        for (const { node } of value.uses) {
          if (node.kind !== 'op') continue;
          this.add(node);
          next.push(...node.outputs);
        }
      }
      level = next;
    }
  }

  /** The next one that is still in its graph. */
  take(): OpNode | undefined {
    while (this.#next < this.#queue.length) {
      const node = this.#queue[this.#next++]!;
      this.#pending.delete(node);
      if (!node.erased) return node;
    }
    return undefined;
  }
}
