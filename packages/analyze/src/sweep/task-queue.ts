/** Runs tasks, so many at a time, in the order that they are added in; the first error stops the queue. */
export class TaskQueue {
  readonly #running = new Set<Promise<void>>();
  #failed = false;
  #error: unknown;

  constructor(private readonly size: number) {}

  /** Waits for a free place and starts the task. @throws what an earlier task threw. */
  async add(task: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.size) await Promise.race(this.#running);
    this.#throwIfFailed();
    const running = task().catch((thrown: unknown) => {
      if (!this.#failed) this.#error = thrown;
      this.#failed = true;
    });
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
  }

  /** Waits for every task. @throws what one of them threw. */
  async drain(): Promise<void> {
    await Promise.all(this.#running);
    this.#throwIfFailed();
  }

  #throwIfFailed(): void {
    if (this.#failed) throw this.#error;
  }
}
