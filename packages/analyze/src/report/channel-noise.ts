import type { Tensor } from '@bitwright/core';

/** Signal-to-noise ratios of a tensor in dB; null where nothing differs. */
export interface NoiseOfTensor {
  readonly all: number | null;
  /** Channel by channel. */
  readonly channels: readonly (number | null)[];
  /** Channels that were zero wherever they were seen, in the float network and behind the quantizer. */
  readonly silent: readonly number[];
  readonly silenced: readonly number[];
}

/** The power of a tensor and of its difference from another one, channel by channel, while batches come in. */
export class ChannelNoise {
  #signal = new Float64Array(0);
  #noise = new Float64Array(0);
  #found = new Float64Array(0);

  /** Adds a batch; tensors that are not float or differ in size say nothing. Channels lie along the second axis. */
  add(wanted: Tensor, found: Tensor): void {
    const [a, b] = [wanted.data(), found.data()];
    if (!(a instanceof Float32Array) || !(b instanceof Float32Array) || a.length !== b.length) return;
    const channels = wanted.dims[1] ?? 1;
    if (this.#signal.length === 0) {
      this.#signal = new Float64Array(channels);
      this.#noise = new Float64Array(channels);
      this.#found = new Float64Array(channels);
    }
    if (channels !== this.#signal.length) return;
    const inner = wanted.dims.slice(2).reduce((product, size) => product * size, 1);
    for (let start = 0, channel = 0; start < a.length; start += inner) {
      let [signal, noise, kept] = [0, 0, 0];
      for (let i = start; i < start + inner; i++) {
        const wantedValue = a[i]!;
        const foundValue = b[i]!;
        const off = wantedValue - foundValue;
        signal += wantedValue * wantedValue;
        noise += off * off;
        kept += foundValue * foundValue;
      }
      this.#signal[channel]! += signal;
      this.#noise[channel]! += noise;
      this.#found[channel]! += kept;
      if (++channel === channels) channel = 0;
    }
  }

  /** Undefined where nothing was added. */
  get result(): NoiseOfTensor | undefined {
    if (this.#signal.length === 0) return undefined;
    const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
    const places = (values: Float64Array): number[] =>
      [...values.keys()].filter((channel) => values[channel] === 0);
    return {
      all: decibel(sum(this.#signal), sum(this.#noise)),
      channels: Array.from(this.#signal, (signal, i) => decibel(signal, this.#noise[i]!)),
      silent: places(this.#signal),
      silenced: places(this.#found),
    };
  }
}

/** In steps of a thousandth: what comes behind depends on the order of sums. */
function decibel(signal: number, noise: number): number | null {
  if (noise === 0) return null;
  return Math.round(1e4 * Math.log10(Math.max(signal, Number.MIN_VALUE) / noise)) / 1e3;
}
