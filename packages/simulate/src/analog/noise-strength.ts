import { BitwrightError, didYouMean } from '@bitwright/core';
import type { NoiseConfig } from '../hardware/hardware-schema.js';
import type { NoiseSource, PluginNoise, Strength } from './analog-dot.js';
import { normalQuantile } from './gaussian.js';

/** Noise on the sum that the file states by itself. */
export type SumNoise = Exclude<Extract<NoiseConfig, { place: 'sum' }>, { kind: 'plugin' }>;

/** The full scales of the places where noise acts, in code units. */
export interface FullScales {
  readonly weights: number;
  readonly inputs: number;
  /** The ADC's largest magnitude, or the worst case of a tile without ADC. */
  readonly sum: number;
  /** Bits of the ADC, if there is one. */
  readonly adcBits: number | undefined;
}

/**
 * The standard deviation of noise on the sum, in accumulator units, from whichever way it is stated:
 * full-scale: sigma * FS; snr: (FS / sqrt 2) * 10^(-dB / 20); enob: the snr 6.02 * bits + 1.76 of a full-scale sine;
 * leakage: the deviation at which a value in the middle of a level lands in another one with that probability,
 * (FS / 2^(bits-1)) / (2 z) with z the normal quantile of 1 - probability / 2 (AnalogVNN: 1 / (2 p sqrt2 erfinv(1 - leakage))).
 */
export function sumSigma(noise: SumNoise, scales: FullScales): number {
  switch (noise.kind) {
    case 'full-scale':
      return noise.sigma * scales.sum;
    case 'snr':
      return (scales.sum / Math.SQRT2) * 10 ** (-noise.decibels / 20);
    case 'enob':
      return (scales.sum / Math.SQRT2) * 10 ** (-(6.02 * noise.bits + 1.76) / 20);
    case 'leakage': {
      const bits = noise.bits ?? scales.adcBits!;
      return scales.sum / 2 ** (bits - 1) / (2 * normalQuantile(1 - noise.probability / 2));
    }
  }
}

/** Independent noise taken together: variances add. */
export function strengthOf(
  noises: readonly NoiseConfig[],
  fullScale: number,
  fits: (noise: NoiseConfig) => boolean,
): Strength {
  let additive = 0;
  let proportional = 0;
  for (const noise of noises) {
    if (!fits(noise)) continue;
    if (noise.kind === 'additive') additive += (noise.sigma * fullScale) ** 2;
    if (noise.kind === 'proportional') proportional += noise.sigma ** 2;
  }
  return { additive: Math.sqrt(additive), proportional: Math.sqrt(proportional) };
}

/** The plugins' noise of a list, with the full scale of each place. @throws NOISE_SOURCE_UNKNOWN with the nearest name. */
export function pluginNoise(
  noises: readonly NoiseConfig[],
  scales: FullScales,
  sources: readonly NoiseSource[],
): PluginNoise[] {
  return noises.flatMap((noise) => {
    if (noise.kind !== 'plugin') return [];
    const source = sources.find(({ name }) => name === noise.source);
    if (source === undefined) {
      const known = sources.map(({ name }) => name);
      throw new BitwrightError({
        code: 'NOISE_SOURCE_UNKNOWN',
        message: `No noise source is called '${noise.source}'.`,
        hint: known.length === 0 ? 'Load the plugin that brings it.' : didYouMean(noise.source, known),
        at: { option: 'noise' },
      });
    }
    return [
      { place: noise.place, source, parameters: noise.parameters ?? {}, fullScale: scales[noise.place] },
    ];
  });
}
