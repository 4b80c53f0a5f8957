import type { Graph, Node, OpNode, Value } from '@bitwright/graph';

/**
 * The operators still to be looked at: first all of a graph and of the bodies in it, in order and outer before inner, then
 * those that a change asks to be looked at again. The walk follows the graph's own links and leaves a mark on each node, so
 * that it needs no memory for nodes that nothing happens to.
 */
export class WorkList {
  readonly #visited = nextMark();
  readonly #queued = nextMark();
  readonly #graphs: Graph[];
  #node: Node | undefined;
  readonly #queue: OpNode[] = [];
  #next = 0;

  constructor(graph: Graph) {
    this.#graphs = [graph];
  }

  /** Asks for an operator, unless the walk will come by it anyway. */
  addAgain(node: OpNode): void {
    if (node.mark === this.#visited) this.#enqueue(node);
  }

  /** Asks for an operator that was made behind the back of the walk, and for the bodies that it holds. */
  addMade(node: OpNode): void {
    if (node.mark !== this.#queued) this.#enqueue(node);
    for (const body of node.subgraphs()) this.#graphs.push(body);
  }

  /** Asks for the operators behind some, so many steps far. Where a value has very many readers the search ends. */
  addBehind(nodes: readonly OpNode[], steps: number): void {
    let level = nodes;
    for (let step = 0; step < steps && level.length > 0; step++) {
      const next: OpNode[] = [];
      for (const node of level) {
        for (const { uses } of node.outputs) {
          if (uses.size > MANY_READERS) continue;
          for (const use of uses) {
            if (use.node.kind !== 'op') continue;
            this.addAgain(use.node);
            next.push(use.node);
          }
        }
      }
      level = next;
    }
  }

  /** Asks for the maker and the readers of a value that has lost a reader: what is left may be a match's own now. */
  addAround({ producer, uses }: Value): OpNode[] {
    const readers: OpNode[] = [];
    if (producer.kind === 'op' && !producer.erased) this.addAgain(producer);
    if (uses.size > MANY_READERS) return readers;
    for (const { node } of uses) {
      if (node.kind !== 'op') continue;
      this.addAgain(node);
      readers.push(node);
    }
    return readers;
  }

  /** The next one that is still in its graph. */
  take(): OpNode | undefined {
    for (;;) {
      const node = this.#walk() ?? this.#dequeue();
      if (node === undefined) return undefined;
      if (node.erased) continue;
      node.mark = this.#visited;
      return node;
    }
  }

  #walk(): OpNode | undefined {
    for (;;) {
      let node = this.#node;
      // An erased node still points ahead.
      while (node !== undefined && (node.kind !== 'op' || node.erased || node.mark === this.#visited))
        node = node.next;
      if (node !== undefined) {
        this.#node = node.next;
        const bodies = node.subgraphs();
        for (let i = 0; i < bodies.length; i++) this.#graphs.push(bodies[i]!);
        return node;
      }
      const graph = this.#graphs.pop();
      if (graph === undefined) return undefined;
      this.#node = isDetached(graph) ? undefined : graph.first;
    }
  }

  #dequeue(): OpNode | undefined {
    if (this.#next < this.#queue.length) return this.#queue[this.#next++];
    this.#queue.length = 0;
    this.#next = 0;
    return undefined;
  }

  #enqueue(node: OpNode): void {
    node.mark = this.#queued;
    this.#queue.push(node);
  }
}

/** A value with more readers than this is no inner part of any match in practice. */
const MANY_READERS = 256;

let marks = 0;

/** A mark that no other walk leaves. */
function nextMark(): number {
  marks += 1;
  return marks;
}

/** True for a body of a node that is gone. */
function isDetached(graph: Graph): boolean {
  for (let { parent } = graph; parent !== undefined; parent = parent.node.graph.parent)
    if (parent.node.erased) return true;
  return false;
}
