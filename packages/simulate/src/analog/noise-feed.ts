import type { DotStep, IntegerNetwork } from '../network/integer-network.js';
import { weightZeroPointOf } from '../network/worst-case.js';
import type { AnalogDot, PluginNoise } from './analog-dot.js';
import { fillGaussian } from './gaussian.js';

/** Which stream of deviates a source of a layer draws from. */
const STREAMS = {
  weights: 0,
  weightsProportional: 1,
  inputsBefore: 2,
  inputsAfter: 3,
  inputsProportional: 4,
  sum: 8,
} as const;
const STREAMS_OF_A_LAYER = 4096;
const PLUGIN_STREAM = 2048;

/** Draws the noise of a network: for a seed it is the same whoever asks, in whatever order and batches. */
export class NoiseFeed {
  readonly #layers = new Map<string, number>();

  constructor(
    network: IntegerNetwork,
    readonly seed: number,
  ) {
    for (const step of network.steps)
      if (step.kind === 'dot') this.#layers.set(step.output, this.#layers.size);
  }

  /** Centred weights with their noise, [outputs, depth]; drawn once for a seed, as a programmed chip keeps its errors. */
  weights(step: DotStep, analog: AnalogDot): Float32Array {
    const { additive, proportional } = analog.weightNoise;
    const weights = new Float32Array(step.weights.length);
    for (let o = 0; o < step.outputs; o++) {
      const centre = weightZeroPointOf(step, o);
      for (let k = o * step.depth; k < (o + 1) * step.depth; k++) weights[k] = step.weights[k]! - centre;
    }
    const factor = new Float32Array(weights.length);
    if (proportional > 0)
      this.#fill(factor, 0, factor.length, proportional, step, STREAMS.weightsProportional, 0);
    for (let i = 0; i < weights.length; i++) weights[i]! *= 1 + factor[i]!;
    if (additive > 0) {
      const errors = new Float32Array(weights.length);
      this.#fill(errors, 0, errors.length, additive, step, STREAMS.weights, 0);
      for (let i = 0; i < weights.length; i++) weights[i]! += errors[i]!;
    }
    this.#plugins(weights, step, analog.plugins, 'weights', 0);
    return weights;
  }

  /** Noise that is added to a batch of inputs, or a factor minus one, [samples * size]; undefined where there is none. */
  inputs(
    step: DotStep,
    analog: AnalogDot,
    what: 'beforeDac' | 'afterDac' | 'factor',
    samples: Samples,
  ): Float32Array | undefined {
    const { beforeDac, afterDac } = analog.inputNoise;
    const sigma =
      what === 'factor'
        ? Math.hypot(beforeDac.proportional, afterDac.proportional)
        : (what === 'beforeDac' ? beforeDac : afterDac).additive;
    const plugins = what === 'afterDac' ? analog.plugins.filter(({ place }) => place === 'inputs') : [];
    if (sigma === 0 && plugins.length === 0) return undefined;
    const stream = {
      beforeDac: STREAMS.inputsBefore,
      afterDac: STREAMS.inputsAfter,
      factor: STREAMS.inputsProportional,
    }[what];
    return this.#batch(step, sigma, stream, samples, plugins, 'inputs');
  }

  /** Noise of the sum of one tile over a batch, before or behind the ADC; undefined where there is none. */
  sum(
    step: DotStep,
    analog: AnalogDot,
    tile: number,
    at: 'beforeAdc' | 'afterAdc',
    samples: Samples,
  ): Float32Array | undefined {
    const sigma = analog.sumNoise[at];
    const plugins = at === 'beforeAdc' ? analog.plugins.filter(({ place }) => place === 'sum') : [];
    if (sigma === 0 && plugins.length === 0) return undefined;
    return this.#batch(
      step,
      sigma,
      STREAMS.sum + 2 * tile + (at === 'afterAdc' ? 1 : 0),
      samples,
      plugins,
      'sum',
    );
  }

  #batch(
    step: DotStep,
    sigma: number,
    stream: number,
    { first, count, size, into }: Samples,
    plugins: readonly PluginNoise[],
    place: PluginNoise['place'],
  ): Float32Array {
    const noise = into?.length === count * size ? into : new Float32Array(count * size);
    if (sigma === 0) noise.fill(0);
    for (let i = 0; i < count; i++) {
      if (sigma > 0) this.#fill(noise, i * size, (i + 1) * size, sigma, step, stream, first + i);
      if (plugins.length > 0)
        this.#plugins(noise.subarray(i * size, (i + 1) * size), step, plugins, place, first + i, stream);
    }
    return noise;
  }

  #plugins(
    target: Float32Array,
    step: DotStep,
    plugins: readonly PluginNoise[],
    place: PluginNoise['place'],
    sample: number,
    base = 0,
  ): void {
    for (const [index, plugin] of plugins.entries()) {
      if (plugin.place !== place) continue;
      const drawn = new Float32Array(target.length);
      let calls = 0;
      plugin.source.fill(drawn, plugin.parameters, (count) => {
        const deviates = new Float32Array(count);
        this.#fill(deviates, 0, count, 1, step, PLUGIN_STREAM + base + 64 * index + calls++, sample);
        return deviates;
      });
      for (let i = 0; i < target.length; i++) target[i]! += drawn[i]! * plugin.fullScale;
    }
  }

  #fill(
    target: Float32Array,
    from: number,
    to: number,
    sigma: number,
    step: DotStep,
    stream: number,
    sample: number,
  ): void {
    const layer = this.#layers.get(step.output)!;
    fillGaussian(target, from, to, sigma, {
      seed: this.seed,
      stream: layer * STREAMS_OF_A_LAYER + stream,
      sample,
    });
  }
}

/** The samples of a batch: the index of the first, how many, the elements of each, and where noise of that size may be put. */
export interface Samples {
  readonly first: number;
  readonly count: number;
  readonly size: number;
  readonly into?: Float32Array;
}
