/** The power of a signal and of its difference from another one, while they grow. */
export class Noise {
  #signal = 0;
  #noise = 0;
  largest = 0;
  seen = false;

  add(first: unknown, second: unknown): void {
    if (
      !(first instanceof Float32Array) ||
      !(second instanceof Float32Array) ||
      first.length !== second.length
    )
      return;
    this.seen = true;
    for (let i = 0; i < first.length; i++) {
      const difference = first[i]! - second[i]!;
      this.#signal += first[i]! * first[i]!;
      this.#noise += difference * difference;
      this.largest = Math.max(this.largest, Math.abs(difference));
    }
  }

  get decibel(): number | null {
    if (this.#noise === 0) return null;
    return 10 * Math.log10(Math.max(this.#signal, Number.MIN_VALUE) / this.#noise);
  }
}
