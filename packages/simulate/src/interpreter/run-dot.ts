import { wrapTo } from '../arithmetic/overflow.js';
import type { DotStep, Result } from '../network/integer-network.js';
import { weightZeroPointOf } from '../network/worst-case.js';
import { dequantize, requantize } from '../requantize/requantizer.js';
import { accumulate, summingOrder } from './accumulate.js';
import type { AccumulatorRecord } from './accumulator-record.js';
import { planPatches, readPatches, resultPlace } from './patches.js';
import { type CodeTensor, sizeOf } from './tensor.js';

/** The accumulators of a step, before the bias, as the device holds them. */
export interface Accumulators {
  readonly dims: readonly number[];
  readonly data: Float64Array;
}

/** Computes the accumulators of a digital dot product: corrected for zero points, bias apart unless it is inside. */
export function dotAccumulators(step: DotStep, input: CodeTensor, record: AccumulatorRecord): Accumulators {
  const plan = planPatches(step, input.dims);
  const { hardware, depth, outputs } = step;
  const raw = hardware.accumulator.sum === 'raw';
  const zero = step.inputGrid.zeroPoint;
  const window = sizeOf(step.window?.kernel ?? []);
  const order = summingOrder(depth, window, hardware.tile?.order ?? 'channel-first');
  const data = new Float64Array(sizeOf(plan.outputDims));
  const perGroup = outputs / plan.groups;
  const weights = new Float64Array(depth);
  for (let sample = 0; sample < plan.samples; sample++) {
    for (let group = 0; group < plan.groups; group++) {
      const rows = readPatches(plan, input.data, sample, group, raw ? 0 : zero, raw ? zero : 0);
      for (let o = group * perGroup; o < (group + 1) * perGroup; o++) {
        const centre = weightZeroPointOf(step, o);
        for (let k = 0; k < depth; k++) weights[k] = step.weights[o * depth + k]! - (raw ? 0 : centre);
        const start = hardware.accumulator.bias === 'inside' ? (step.bias?.aligned[o] ?? 0) : 0;
        const { positions } = plan;
        const sums = accumulate({
          hardware,
          weights,
          rows,
          order,
          positions,
          start,
          record,
          name: step.name,
        });
        if (raw) correct(sums, step, o, centre, rows);
        const { base, stride } = resultPlace(plan, outputs, sample, o);
        for (let p = 0; p < positions; p++) data[base + p * stride] = sums[p]!;
      }
    }
  }
  return { dims: plan.outputDims, data };
}

/** Takes the zero points out of a raw sum: - z_w sum(q_x) - z_x sum(q_w) + K z_x z_w. */
function correct(
  sums: Float64Array,
  step: DotStep,
  output: number,
  centre: number,
  rows: Float64Array,
): void {
  const zero = step.inputGrid.zeroPoint;
  const { depth } = step;
  let total = 0;
  for (let k = 0; k < depth; k++) total += step.weights[output * depth + k]!;
  const constant = depth * zero * centre - zero * total;
  const positions = sums.length;
  for (let p = 0; p < positions; p++) {
    let inputs = 0;
    if (centre !== 0) for (let k = 0; k < depth; k++) inputs += rows[k * positions + p]!;
    sums[p]! += constant - centre * inputs;
  }
}

/** Adds the bias where it stands apart, in at least 32 bits, and turns accumulators into the step's result. */
export function finishDot(step: DotStep, accumulators: Accumulators): CodeTensor {
  const { dims, data } = accumulators;
  const channelsLast = step.window === undefined;
  const inner = channelsLast ? 1 : sizeOf(dims, 2);
  const apart = step.hardware.accumulator.bias === 'apart' ? step.bias?.aligned : undefined;
  const width = Math.max(32, step.hardware.accumulator.bits);
  const channelOf = (i: number): number => Math.floor(i / inner) % step.outputs;
  return finish(step.result, dims, data, channelOf, (sum, channel) =>
    apart === undefined ? sum : wrapTo(sum + apart[channel]!, width),
  );
}

/** Turns accumulators into codes or floats. */
export function finish(
  result: Result,
  dims: readonly number[],
  sums: Float64Array,
  channelOf: (index: number) => number,
  biased: (sum: number, channel: number) => number = (sum) => sum,
): CodeTensor {
  if (result.kind === 'float') {
    const { dequantizer } = result;
    const single = dequantizer.scale.length === 1;
    const data = new Float32Array(sums.length);
    for (let i = 0; i < data.length; i++) {
      const channel = channelOf(i);
      data[i] = dequantize(biased(sums[i]!, channel), single ? 0 : channel, dequantizer);
    }
    return { dims, data };
  }
  const { requantizer } = result;
  const entries =
    requantizer.kind === 'thresholds'
      ? requantizer.thresholds.length / requantizer.count
      : entriesOf(requantizer);
  const data = new Int32Array(sums.length);
  for (let i = 0; i < data.length; i++) {
    const channel = channelOf(i);
    data[i] = requantize(biased(sums[i]!, channel), entries === 1 ? 0 : channel, requantizer);
  }
  return { dims, data };
}

function entriesOf(requantizer: { readonly kind: string }): number {
  const lists = requantizer as { multiplier?: ArrayLike<number>; shift?: ArrayLike<number> };
  return (lists.multiplier ?? lists.shift)!.length;
}
