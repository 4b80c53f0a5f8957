import { clamp, roundHalfEven } from '@bitwright/core';
import { type AnalogDot, hasExactOperands } from '../analog/analog-dot.js';
import type { NoiseFeed, Samples } from '../analog/noise-feed.js';
import type { DotStep } from '../network/integer-network.js';
import { weightZeroPointOf } from '../network/worst-case.js';
import { summingOrder } from './accumulate.js';
import type { AccumulatorRecord } from './accumulator-record.js';
import { enforceWidth } from './enforce-width.js';
import { planPatches, readPatches, resultPlace } from './patches.js';
import type { Accumulators } from './run-dot.js';
import { type CodeTensor, sizeOf } from './tensor.js';

/** Where noise comes from in a run: the deviates of a seed, and the index of the batch's first sample. */
export interface NoiseSeat {
  readonly feed: NoiseFeed | undefined;
  readonly first: number;
}

/**
 * The accumulators of a dot product in an analog core, tile by tile: DAC, noise on the operands, the sum, noise on it, ADC.
 * What is read is a whole number again; the digital sum of the tiles keeps its width as the hardware says.
 */
export function analogAccumulators(
  step: DotStep,
  analog: AnalogDot,
  input: CodeTensor,
  record: AccumulatorRecord,
  { feed, first }: NoiseSeat,
): Accumulators {
  const plan = planPatches(step, input.dims);
  const samples = input.dims[0]!;
  const driven = driveInputs(step, analog, input, { feed, first });
  const weights = weightsOf(step, analog, feed);
  const order = summingOrder(
    step.depth,
    sizeOf(step.window?.kernel ?? []),
    step.hardware.tile?.order ?? 'channel-first',
  );
  const size = sizeOf(plan.outputDims) / samples;
  const sums = new Float64Array(size * samples);
  if (step.hardware.accumulator.bias === 'inside') fillBias(step, plan, sums);
  const perGroup = step.outputs / plan.groups;
  for (let tile = 0; tile * analog.tile < step.depth; tile++) {
    const batch: Samples = { first, count: samples, size };
    const before = feed?.sum(step, analog, tile, 'beforeAdc', batch);
    const after = feed?.sum(step, analog, tile, 'afterAdc', batch);
    const from = tile * analog.tile;
    const to = Math.min(from + analog.tile, step.depth);
    for (let sample = 0; sample < plan.samples; sample++) {
      for (let group = 0; group < plan.groups; group++) {
        const rows = readPatches(plan, driven, sample, group, 0, 0);
        for (let o = group * perGroup; o < (group + 1) * perGroup; o++) {
          const partial = partialSums(
            weights.subarray(o * step.depth),
            rows,
            order,
            from,
            to,
            plan.positions,
          );
          const { base, stride } = resultPlace(plan, step.outputs, sample, o);
          for (let p = 0; p < plan.positions; p++) {
            const at = base + p * stride;
            sums[at]! += read(partial[p]!, analog, before?.[at] ?? 0, after?.[at] ?? 0);
          }
        }
      }
    }
    const isEnd = to === step.depth;
    if (isEnd || step.hardware.accumulator.at !== 'end') enforceWidth(sums, step.hardware, record, step.name);
  }
  return { dims: plan.outputDims, data: sums };
}

function fillBias(step: DotStep, plan: ReturnType<typeof planPatches>, sums: Float64Array): void {
  for (let sample = 0; sample < plan.samples; sample++) {
    for (let o = 0; o < step.outputs; o++) {
      const { base, stride } = resultPlace(plan, step.outputs, sample, o);
      for (let p = 0; p < plan.positions; p++) sums[base + p * stride] = step.bias?.aligned[o] ?? 0;
    }
  }
}

/** One tile's sum as the ADC reads it. */
function read(sum: number, { adc }: AnalogDot, before: number, after: number): number {
  const value = Math.fround(Math.fround(sum) + before);
  const code = clamp(roundHalfEven(Math.fround(value / Math.fround(adc.lsb))), adc.least, adc.most);
  return after === 0 ? code : clamp(roundHalfEven(Math.fround(code + after)), adc.least, adc.most);
}

function partialSums(
  weights: Float32Array,
  rows: Float64Array,
  order: Int32Array,
  from: number,
  to: number,
  positions: number,
): Float64Array {
  const partial = new Float64Array(positions);
  for (let i = from; i < to; i++) {
    const weight = weights[order[i]!]!;
    const row = order[i]! * positions;
    if (weight !== 0) for (let p = 0; p < positions; p++) partial[p]! += weight * rows[row + p]!;
  }
  return partial;
}

function weightsOf(step: DotStep, analog: AnalogDot, feed: NoiseFeed | undefined): Float32Array {
  if (feed !== undefined) return feed.weights(step, analog);
  const weights = Float32Array.from(step.weights);
  for (let o = 0; o < step.outputs; o++)
    for (let k = o * step.depth; k < (o + 1) * step.depth; k++) weights[k]! -= weightZeroPointOf(step, o);
  return weights;
}

/** Centred inputs behind the DAC, with their noise. */
function driveInputs(
  step: DotStep,
  analog: AnalogDot,
  input: CodeTensor,
  { feed, first }: NoiseSeat,
): Float32Array {
  const values = Float32Array.from(input.data, (code) => code - step.inputGrid.zeroPoint);
  if (hasExactOperands(analog)) return values;
  const count = input.dims[0]!;
  const batch: Samples = { first, count, size: values.length / count };
  add(values, feed?.inputs(step, analog, 'beforeDac', batch));
  if (analog.dac !== undefined) {
    const low = Math.fround(analog.dac.low);
    const high = Math.fround(analog.dac.high);
    const width = Math.fround(analog.dac.step);
    for (let i = 0; i < values.length; i++) {
      const level = roundHalfEven(Math.fround(Math.fround(clamp(values[i]!, low, high) - low) / width));
      values[i] = Math.fround(level * width) + low;
    }
  }
  const factor = feed?.inputs(step, analog, 'factor', batch);
  if (factor !== undefined) for (let i = 0; i < values.length; i++) values[i]! *= Math.fround(1 + factor[i]!);
  add(values, feed?.inputs(step, analog, 'afterDac', batch));
  return values;
}

function add(values: Float32Array, noise: Float32Array | undefined): void {
  if (noise !== undefined) for (let i = 0; i < values.length; i++) values[i]! += noise[i]!;
}
