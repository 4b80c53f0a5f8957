/** Takes one edit back: what it was done to, and what is needed to put things as they were. */
export type Undo<T = never, A = never, B = never> = (target: T, a: A, b: B) => void;

/**
 * The edits made since it was opened, so that they can be taken back. Edits are kept in one flat list, four entries each:
 * a graph of a hundred thousand nodes is rewritten with millions of them.
 */
class EditLog {
  readonly #entries: unknown[] = [];

  record(undo: unknown, target: unknown, a: unknown, b: unknown): void {
    this.#entries.push(undo, target, a, b);
  }

  rollBack(): void {
    const entries = this.#entries;
    for (let i = entries.length - 4; i >= 0; i -= 4) {
      (entries[i] as Undo<unknown, unknown, unknown>)(entries[i + 1], entries[i + 2], entries[i + 3]);
    }
  }

  append(log: EditLog): void {
    for (const entry of log.#entries) this.#entries.push(entry);
  }
}

/** The log of the call of {@link allOrNothing} that runs now. Graphs are edited by synchronous code only, so there is one. */
let active: EditLog | undefined;

/** For graphs, nodes and values only: notes how an edit is taken back, where somebody may want that. */
export function recordEdit<T, A = undefined, B = undefined>(
  undo: Undo<T, A, B>,
  target: T,
  a: A,
  b: B,
): void {
  active?.record(undo, target, a, b);
}

/**
 * Runs edits of graphs; when they throw, all of them are taken back and the graphs are as they were: nodes, order, inputs,
 * names, types and attributes (not notes in `meta`, nor plain fields such as a node's name). Costs nothing without edits.
 *
 * @throws whatever `run` throws.
 */
export function allOrNothing<T>(run: () => T): T {
  const outer = active;
  const log = new EditLog();
  active = log;
  try {
    const result = run();
    outer?.append(log);
    return result;
  } catch (thrown) {
    active = undefined;
    log.rollBack();
    throw thrown;
  } finally {
    active = outer;
  }
}
