/** One tensor that is learned, and how fast. */
export interface Learned {
  readonly values: Float32Array;
  /** The size of the first steps. */
  readonly rate: number;
}

const FIRST_DECAY = 0.9;
const SECOND_DECAY = 0.999;
const EPSILON = 1e-8;

/**
 * Adam (Kingma & Ba, ICLR 2015, algorithm 1) over tensors that are changed in place, with rates that fall to zero along half a
 * cosine; a step allocates nothing.
 */
export class Adam {
  readonly #first: readonly Float32Array[];
  readonly #second: readonly Float32Array[];
  #step = 0;

  constructor(
    private readonly learned: readonly Learned[],
    private readonly steps: number,
  ) {
    this.#first = learned.map(({ values }) => new Float32Array(values.length));
    this.#second = learned.map(({ values }) => new Float32Array(values.length));
  }

  /** Moves every tensor against its gradient. @param gradients in the order of the tensors; undefined leaves one alone. */
  step(gradients: readonly (Float32Array | undefined)[]): void {
    const fall = 0.5 * (1 + Math.cos((Math.PI * this.#step) / this.steps));
    this.#step++;
    const firstBias = 1 - FIRST_DECAY ** this.#step;
    const secondBias = Math.sqrt(1 - SECOND_DECAY ** this.#step);
    for (let k = 0; k < this.learned.length; k++) {
      const gradient = gradients[k];
      if (gradient === undefined) continue;
      const { values, rate } = this.learned[k]!;
      const first = this.#first[k]!;
      const second = this.#second[k]!;
      const size = (fall * rate) / firstBias;
      for (let i = 0; i < values.length; i++) {
        const g = gradient[i]!;
        const m = FIRST_DECAY * first[i]! + (1 - FIRST_DECAY) * g;
        const v = SECOND_DECAY * second[i]! + (1 - SECOND_DECAY) * g * g;
        first[i] = m;
        second[i] = v;
        values[i]! -= (size * m) / (Math.sqrt(v) / secondBias + EPSILON);
      }
    }
  }
}
