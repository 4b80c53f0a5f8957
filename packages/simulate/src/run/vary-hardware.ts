import { BitwrightError, didYouMean } from '@bitwright/core';
import type { HardwareConfig, NoiseConfig } from '../hardware/hardware-schema.js';

/** The parameters of a hardware that a sensitivity curve can be drawn over. */
export const SWEEP_PARAMETERS = [
  'accumulator-bits',
  'bias-bits',
  'adc-bits',
  'dac-bits',
  'enob',
  'noise',
] as const;

/** One of the parameters of a sensitivity curve. */
export type SweepParameter = (typeof SWEEP_PARAMETERS)[number];

/** A sensitivity curve to be drawn: the parameter and its values. */
export interface HardwareSweep {
  readonly parameter: SweepParameter;
  readonly values: readonly number[];
}

/**
 * Reads a curve as the command line says it: `enob=2..8` or `noise=0,0.5,1,2`.
 *
 * @throws OPTION_VALUE (wrong usage) with the nearest parameter.
 */
export function parseHardwareSweep(text: string): HardwareSweep {
  const [name = '', list = ''] = text.split('=');
  const parameter = SWEEP_PARAMETERS.find((known) => known === name);
  const range = /^(\d+)\.\.(\d+)$/.exec(list);
  const values =
    range === null
      ? list.split(',').map((value) => (value.trim() === '' ? Number.NaN : Number(value)))
      : Array.from(
          { length: Math.max(0, Number(range[2]) - Number(range[1]) + 1) },
          (_, i) => Number(range[1]) + i,
        );
  const isKnown = (value: number): boolean => parameter !== 'bias-bits' || [8, 16, 32].includes(value);
  if (parameter !== undefined && values.length > 0 && values.every((value) => value >= 0 && isKnown(value)))
    return { parameter, values };
  throw new BitwrightError({
    code: 'OPTION_VALUE',
    message: `--sweep can't be '${text}'.`,
    hint:
      parameter === undefined
        ? didYouMean(name, SWEEP_PARAMETERS)
        : parameter === 'bias-bits'
          ? 'A bias has 8, 16 or 32 bits: --sweep bias-bits=8,16,32.'
          : 'Write for example --sweep enob=2..8 or --sweep noise=0,0.5,1,2.',
    at: { option: '--sweep' },
    kind: 'usage',
  });
}

/**
 * The same hardware with one parameter set. `noise` multiplies the strength of every source; a bias of 32 bits is at s_x * s_w,
 * a narrower one has the device's kind of scale, or one of its own for each channel.
 */
export function varyHardware(
  config: HardwareConfig,
  parameter: SweepParameter,
  value: number,
): HardwareConfig {
  switch (parameter) {
    case 'accumulator-bits':
      return { ...config, accumulator: { ...config.accumulator, bits: value } };
    case 'bias-bits':
      return { ...config, bias: biasOf(config, value) };
    case 'adc-bits':
      return { ...config, adc: { ...config.adc, bits: value } };
    case 'dac-bits':
      return { ...config, dac: { ...config.dac, bits: value } };
    case 'enob':
      return {
        ...config,
        noise: [
          ...(config.noise ?? []).filter(({ kind }) => kind !== 'enob'),
          { place: 'sum', kind: 'enob', bits: value },
        ],
      };
    case 'noise':
      return { ...config, noise: (config.noise ?? []).flatMap((one) => scaled(one, value)) };
  }
}

function biasOf({ bias }: HardwareConfig, bits: number): HardwareConfig['bias'] {
  const granularity = bias?.granularity ?? 'per-channel';
  if (bits === 32) return { bits, scale: 'product', granularity };
  const scale = bias === undefined || bias.scale === 'product' ? 'free' : bias.scale;
  return { bits: bits === 8 ? 8 : 16, scale, granularity };
}

/** A source with its standard deviation multiplied; none at all for a factor of 0. */
function scaled(noise: NoiseConfig, factor: number): NoiseConfig[] {
  if (factor === 0) return [];
  switch (noise.kind) {
    case 'additive':
    case 'proportional':
    case 'full-scale':
      return [{ ...noise, sigma: noise.sigma * factor }];
    case 'snr':
      return [{ ...noise, decibels: noise.decibels - 20 * Math.log10(factor) }];
    case 'enob':
      return [{ ...noise, bits: noise.bits - (20 * Math.log10(factor)) / 6.02 }];
    default:
      return [noise];
  }
}
