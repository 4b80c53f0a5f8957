import { DenseTensor, floatData, seededRandom, type Tensor } from '@bitwright/core';
import type { OpenExecutor } from '@bitwright/runtime';
import { Adam } from './adam.js';
import type { TrainingModels } from './loss.js';
import type { TrainingPlan } from './plan.js';
import type { Parameter } from './training-graph.js';

/** What a block is trained on: rows of samples, one behind the other. */
export interface TrainingData {
  /** The block's input behind the quantized prefix, and in the float network. */
  readonly quantized: Float32Array;
  readonly float: Float32Array;
  /** The block's output in the float network. */
  readonly target: Float32Array;
  readonly samples: number;
}

/** What training works with. */
export interface TrainOptions {
  readonly open: OpenExecutor;
  readonly signal?: AbortSignal;
  readonly onStep?: () => void;
}

/** Learns the parameters of a block in place, by Adam on random batches; seeded, so that the same data gives the same bytes. */
export async function train(
  models: TrainingModels,
  parameters: readonly Parameter[],
  data: TrainingData,
  sizes: readonly number[],
  plan: TrainingPlan,
  options: TrainOptions,
): Promise<void> {
  const executor = await options.open(models.backward, { name: 'a block under reconstruction', threads: 1 });
  try {
    const batch = new MixedBatch(data, sizes, models.outputSizes, plan);
    const feeds = new Map<string, Tensor>([
      [models.input, batch.input],
      ['target', batch.target],
      ...parameters.map(({ name, dims, values }) => [name, new DenseTensor('float', dims, values)] as const),
    ]);
    const fed = new Set(executor.inputs.map(({ name }) => name));
    for (const name of [...feeds.keys()]) if (!fed.has(name)) feeds.delete(name);
    const fetches = models.gradients.filter((name) => name !== undefined);
    const learned = parameters.map(({ kind, values }) => ({ values, rate: plan.rates[kind] }));
    const adam = new Adam(learned, plan.steps);
    const gradients = new Array<Float32Array | undefined>(parameters.length);
    for (let step = 0; step < plan.steps; step++) {
      options.signal?.throwIfAborted();
      batch.draw();
      const results = await executor.run(feeds, fetches);
      for (let i = 0; i < gradients.length; i++) {
        const name = models.gradients[i];
        gradients[i] = name === undefined ? undefined : floatData(results.get(name)!);
      }
      adam.step(gradients);
      options.onStep?.();
    }
  } finally {
    await executor.release();
  }
}

/** A batch of random samples whose input elements come from the one network or the other; its storage is used again. */
class MixedBatch {
  readonly input: Tensor;
  readonly target: Tensor;
  readonly #input: Float32Array;
  readonly #target: Float32Array;
  readonly #random: () => number;

  constructor(
    private readonly data: TrainingData,
    sizes: readonly number[],
    outputSizes: readonly number[],
    private readonly plan: TrainingPlan,
  ) {
    const { batch, seed } = plan;
    this.#input = new Float32Array(batch * (data.quantized.length / data.samples));
    this.#target = new Float32Array(batch * (data.target.length / data.samples));
    this.input = new DenseTensor('float', sizes, this.#input);
    this.target = new DenseTensor('float', outputSizes, this.#target);
    this.#random = seededRandom(seed);
  }

  draw(): void {
    const { batch, quantizedShare } = this.plan;
    const { quantized, float, target, samples } = this.data;
    const size = this.#input.length / batch;
    const outputs = this.#target.length / batch;
    for (let i = 0; i < batch; i++) {
      const sample = Math.floor(this.#random() * samples);
      this.#target.set(target.subarray(sample * outputs, (sample + 1) * outputs), i * outputs);
      const own = this.#input.subarray(i * size, (i + 1) * size);
      own.set(quantized.subarray(sample * size, (sample + 1) * size));
      if (quantizedShare < 1 && quantized !== float) this.#mix(own, float, sample * size);
    }
  }

  /** Replaces elements by those of the float network; bytes of one random word serve four elements. */
  #mix(own: Float32Array, float: Float32Array, start: number): void {
    const bound = Math.round(this.plan.quantizedShare * 256);
    let word = 0;
    for (let i = 0; i < own.length; i++) {
      word = (i & 3) === 0 ? Math.floor(this.#random() * 4294967296) : word >>> 8;
      if ((word & 255) >= bound) own[i] = float[start + i]!;
    }
  }
}
