/** Samples of several files that follow each other: finds the file of a sample. */
export class Shards {
  /** The number of samples of all files. */
  readonly count: number;
  readonly #starts: Float64Array;

  /** @param counts the number of samples of each file. */
  constructor(counts: readonly number[]) {
    this.#starts = new Float64Array(counts.length + 1);
    for (let i = 0; i < counts.length; i++) this.#starts[i + 1] = this.#starts[i]! + counts[i]!;
    this.count = this.#starts[counts.length]!;
  }

  /** The file that holds a sample. */
  shardOf(index: number): number {
    let low = 0;
    let high = this.#starts.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The index of a file's first sample. */
  startOf(shard: number): number {
    return this.#starts[shard]!;
  }

  /**
   * Splits a stretch of an order into runs that lie one behind the other in one file, so that each is a single read.
   *
   * @param longest bounds the memory of a read.
   * @param use is told the file, the first sample in it, the number of samples, and where the run begins in the stretch.
   */
  forEachRun(
    order: Uint32Array,
    from: number,
    size: number,
    longest: number,
    use: (shard: number, first: number, count: number, at: number) => void,
  ): void {
    let i = 0;
    while (i < size) {
      const index = order[from + i]!;
      const shard = this.shardOf(index);
      const most = Math.min(size - i, longest, this.startOf(shard + 1) - index);
      let count = 1;
      while (count < most && order[from + i + count] === index + count) count++;
      use(shard, index - this.startOf(shard), count, i);
      i += count;
    }
  }
}
