/** Disjoint sets of small whole numbers; the smallest member stands for its set. */
export class UnionFind {
  readonly #parent: number[] = [];

  /** A new set of one. */
  add(): number {
    this.#parent.push(this.#parent.length);
    return this.#parent.length - 1;
  }

  find(member: number): number {
    let root = member;
    while (this.#parent[root] !== root) root = this.#parent[root]!;
    for (let at = member; at !== root; ) {
      const next = this.#parent[at]!;
      this.#parent[at] = root;
      at = next;
    }
    return root;
  }

  /** @returns the member that stands for both from now on. */
  union(a: number, b: number): number {
    const [rootA, rootB] = [this.find(a), this.find(b)];
    const root = Math.min(rootA, rootB);
    this.#parent[rootA] = root;
    this.#parent[rootB] = root;
    return root;
  }
}
