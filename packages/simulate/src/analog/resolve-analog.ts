import { roundHalfEven } from '@bitwright/core';
import type { NoiseConfig } from '../hardware/hardware-schema.js';
import { summingOrder } from '../interpreter/accumulate.js';
import { sizeOf } from '../interpreter/tensor.js';
import type { DotStep, IntegerNetwork } from '../network/integer-network.js';
import { codesResult } from '../network/lower-dot.js';
import { weightZeroPointOf } from '../network/worst-case.js';
import type { AnalogDot, NoiseSource } from './analog-dot.js';
import { type FullScales, pluginNoise, type SumNoise, strengthOf, sumSigma } from './noise-strength.js';

/** The largest magnitudes that calibration has seen in a layer. */
export interface SeenMagnitudes {
  /** Of centred input codes. */
  readonly input: number;
  /** Of the sum of a tile. */
  readonly tile: number;
}

/** What makes an analog core differ from exact sums. */
export const ANALOG_SOURCES = ['weights', 'inputs', 'sum', 'dac', 'adc'] as const;

/** One of the sources of error of an analog core. */
export type AnalogSource = (typeof ANALOG_SOURCES)[number];

/** The sources of error that a hardware has anywhere. */
export function sourcesOf(network: IntegerNetwork): AnalogSource[] {
  const found = new Set<AnalogSource>();
  for (const step of network.steps) {
    if (step.kind !== 'dot') continue;
    for (const { place } of step.hardware.noise) found.add(place);
    if (step.hardware.dac !== undefined) found.add('dac');
    if (step.hardware.adc !== undefined) found.add('adc');
  }
  return ANALOG_SOURCES.filter((source) => found.has(source));
}

/** True when a layer of the network passes through an analog core. */
export function isAnalog(step: DotStep): boolean {
  const { dac, adc, noise } = step.hardware;
  return dac !== undefined || adc !== undefined || noise.length > 0;
}

/** True when a converter's range has to be found on data. */
export function needsCalibration(network: IntegerNetwork): boolean {
  return network.steps.some(
    (step) =>
      step.kind === 'dot' &&
      (step.hardware.adc?.range.kind === 'calibrated' || step.hardware.dac?.range.kind === 'calibrated'),
  );
}

/**
 * Settles what every analog layer does: converter steps, noise in code units, and the bias and multiplier in units of the
 * ADC, as the digital part behind it sees nothing else.
 *
 * @param only lets one source alone act, its strength as in the whole chain.
 * @param seen what calibration has seen, by the layer's output; needed for calibrated ranges.
 */
export function resolveAnalog(
  network: IntegerNetwork,
  seen: ReadonlyMap<string, SeenMagnitudes>,
  sources: readonly NoiseSource[] = [],
  only?: AnalogSource,
): IntegerNetwork {
  const steps = network.steps.map((step) =>
    step.kind === 'dot' && isAnalog(step) ? resolveDot(step, seen.get(step.output), sources, only) : step,
  );
  return { ...network, steps };
}

function resolveDot(
  step: DotStep,
  seen: SeenMagnitudes | undefined,
  sources: readonly NoiseSource[],
  only: AnalogSource | undefined,
): DotStep {
  const { hardware } = step;
  const tile = Math.min(hardware.tile?.size ?? step.depth, step.depth);
  const range = adcRange(step, tile, seen);
  const dac = dacOf(step, seen);
  const zero = step.inputGrid.zeroPoint;
  const centres = Array.from(step.weightZeroPoint, (z) => Math.max(step.weightMax - z, z - step.weightMin));
  const scales: FullScales = {
    weights: centres.reduce((most, one) => Math.max(most, one), 0),
    inputs: Math.max(zero - step.inputGrid.min, step.inputGrid.max - zero, dac?.high ?? 0, -(dac?.low ?? 0)),
    sum: range,
    adcBits: hardware.adc?.bits,
  };
  const acts = (source: AnalogSource): boolean => only === undefined || only === source;
  const noise = hardware.noise.filter(({ place }) => acts(place));
  const hasAdc = hardware.adc !== undefined && acts('adc');
  const half = hasAdc ? 2 ** (hardware.adc!.bits - 1) : Number.POSITIVE_INFINITY;
  const lsb = hasAdc ? range / half : 1;
  const inputsAt = (at: 'before-dac' | 'after-dac') =>
    strengthOf(noise, scales.inputs, (one) => one.place === 'inputs' && placeOf(one, 'after-dac') === at);
  const analog: AnalogDot = {
    tile,
    dac: acts('dac') ? dac : undefined,
    adc: { lsb, least: -half, most: half - 1 },
    inputNoise: { beforeDac: inputsAt('before-dac'), afterDac: inputsAt('after-dac') },
    weightNoise: strengthOf(noise, scales.weights, (one) => one.place === 'weights'),
    sumNoise: {
      beforeAdc: sumAt(noise, scales, 'before-adc'),
      afterAdc: sumAt(noise, scales, 'after-adc') / lsb,
    },
    plugins: pluginNoise(noise, scales, sources),
  };
  return inAdcUnits({ ...step, analog }, lsb);
}

function sumAt(noise: readonly NoiseConfig[], scales: FullScales, at: string): number {
  let variance = 0;
  for (const one of noise)
    if (one.place === 'sum' && one.kind !== 'plugin' && placeOf(one, 'before-adc') === at)
      variance += sumSigma(one as SumNoise, scales) ** 2;
  return Math.sqrt(variance);
}

function placeOf(noise: NoiseConfig, fallback: string): string {
  return ('at' in noise ? noise.at : undefined) ?? fallback;
}

/** The same layer with one unit of the accumulator being one code of the ADC. */
function inAdcUnits(step: DotStep, lsb: number): DotStep {
  if (lsb === 1) return step;
  const scale = step.scale.map((one) => one * lsb);
  const { bias, result } = step;
  const aligned = bias?.codes.map((code, c) =>
    roundHalfEven((code * bias.scale[bias.scale.length === 1 ? 0 : c]!) / scale[c]!),
  );
  const scaled: DotStep = { ...step, scale, bias: bias && { ...bias, aligned: aligned! } };
  if (result.kind === 'float')
    return { ...scaled, result: { kind: 'float', dequantizer: { ...result.dequantizer, scale } } };
  const { grid, requantizer } = result;
  return {
    ...scaled,
    result: codesResult(scaled, { kind: 'codes', grid, low: requantizer.low, high: requantizer.high }),
  };
}

function adcRange(step: DotStep, tile: number, seen: SeenMagnitudes | undefined): number {
  const range = step.hardware.adc?.range ?? { kind: 'worst-case' as const };
  if (range.kind === 'fixed') return range.value;
  // a layer that calibration never saw move still needs a scale
  if (range.kind === 'calibrated') return Math.max(seen?.tile ?? 0, 1);
  return Math.max(tileBound(step, tile), 1);
}

/** The largest magnitude that any input can give the sum of one tile. */
export function tileBound(step: DotStep, tile: number): number {
  const order = summingOrder(
    step.depth,
    sizeOf(step.window?.kernel ?? []),
    step.hardware.tile?.order ?? 'channel-first',
  );
  const low = step.inputGrid.min - step.inputGrid.zeroPoint;
  const high = step.inputGrid.max - step.inputGrid.zeroPoint;
  let largest = 0;
  for (let o = 0; o < step.outputs; o++) {
    const centre = weightZeroPointOf(step, o);
    for (let first = 0; first < step.depth; first += tile) {
      let most = 0;
      let least = 0;
      for (let i = first; i < Math.min(first + tile, step.depth); i++) {
        const weight = step.weights[o * step.depth + order[i]!]! - centre;
        most += Math.max(weight * low, weight * high, 0);
        least += Math.min(weight * low, weight * high, 0);
      }
      largest = Math.max(largest, most, -least);
    }
  }
  return largest;
}

function dacOf(step: DotStep, seen: SeenMagnitudes | undefined): AnalogDot['dac'] {
  const { dac } = step.hardware;
  if (dac === undefined) return undefined;
  const { min, max, zeroPoint, bits } = step.inputGrid;
  const limit =
    dac.range.kind === 'worst-case'
      ? Number.POSITIVE_INFINITY
      : dac.range.kind === 'fixed'
        ? dac.range.value
        : Math.max(seen?.input ?? 0, 1);
  const low = Math.max(min - zeroPoint, -limit);
  const high = Math.min(max - zeroPoint, limit);
  // with at least as many levels as codes in range each code keeps its own
  if (dac.bits >= bits && limit >= Math.max(zeroPoint - min, max - zeroPoint)) return undefined;
  const step1 = (high - low) / (2 ** dac.bits - 1);
  return { low, high, step: dac.bits >= bits ? Math.max(step1, 1) : step1 };
}
