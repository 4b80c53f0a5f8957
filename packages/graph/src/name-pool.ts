/** The value names that a model uses, and names that it does not use yet. */
export class NamePool {
  readonly #taken = new Set<string>();
  readonly #counters = new Map<string, number>();

  add(name: string): void {
    this.#taken.add(name);
  }

  addAll(pool: NamePool): void {
    for (const name of pool.#taken) this.#taken.add(name);
  }

  /** A name like `wanted` ('value' when that is empty) that is not in use. It is not entered. */
  fresh(wanted: string): string {
    const base = wanted === '' ? 'value' : wanted;
    if (!this.#taken.has(base)) return base;
    let counter = this.#counters.get(base) ?? 0;
    let name: string;
    do name = `${base}_${++counter}`;
    while (this.#taken.has(name));
    this.#counters.set(base, counter);
    return name;
  }
}
