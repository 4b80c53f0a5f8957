import { DenseTensor } from '@bitwright/core';
import type { Value } from '@bitwright/graph';
import { type AnalogDot, hasExactOperands } from '../analog/analog-dot.js';
import { sizeOf } from '../interpreter/tensor.js';
import type { DotStep } from '../network/integer-network.js';
import type { OnnxBuilder } from './builder.js';
import type { Codes } from './codes.js';
import {
  bytesOf,
  channelRange,
  channelShape,
  convAttributes,
  type EmittedSums,
  emitTile,
  sliceChannels,
  type Tile,
  tilesOfSize,
} from './emit-dot.js';
import { emitOverflow } from './emit-overflow.js';
import { centred } from './emit-steps.js';

/** What an analog layer needs from outside: noise tensors as inputs of the model, and its programmed weights. */
export interface AnalogSupply {
  /** An input of the model for one row of noise; undefined where the source is silent. */
  noise(step: DotStep, what: NoiseInput): Value | undefined;
  /** Centred weights with their noise, [outputs, depth]. */
  weights(step: DotStep): Float32Array;
}

/** Which noise a model's input carries. */
export type NoiseInput =
  | { readonly place: 'inputs'; readonly what: 'beforeDac' | 'afterDac' | 'factor' }
  | { readonly place: 'sum'; readonly tile: number; readonly at: 'beforeAdc' | 'afterAdc' };

/**
 * Writes the sums of an analog core. Where the operands are whole numbers the sums are ConvInteger's and thus exact, and the
 * interpreter is met bit for bit; with noise on the operands they are float32 convolutions.
 */
export function emitAnalogSums(
  builder: OnnxBuilder,
  step: DotStep,
  analog: AnalogDot,
  input: Codes,
  supply: AnalogSupply,
): EmittedSums {
  const isExact = hasExactOperands(analog);
  const bytes = isExact ? bytesOf(builder, input, step.inputGrid.zeroPoint) : [];
  const driven = isExact ? undefined : drive(builder, step, analog, input, supply);
  const weights = isExact ? undefined : supply.weights(step);
  const { accumulator } = step.hardware;
  const tiles = tilesOfSize(step, analog.tile);
  // what the ADC can read bounds the digital sum
  const needed = Number.isFinite(analog.adc.least)
    ? Math.ceil(Math.log2(tiles.length * -analog.adc.least)) + 2
    : 32;
  const exact: Value[] = [];
  const counts: Value[] = [];
  let sums = start(builder, step);
  for (const [index, tile] of tiles.entries()) {
    const partial =
      driven === undefined
        ? builder.cast(emitTile(builder, step, bytes, tile, false), 'float')
        : emitFloatTile(builder, step, driven, weights!, tile);
    const code = builder.cast(read(builder, step, analog, index, partial, supply), 'int32');
    sums = sums === undefined ? code : builder.op('Add', [sums, code]);
    exact.push(sums);
    if (accumulator.at === 'end' && index < tiles.length - 1) continue;
    const held = emitOverflow(builder, sums, accumulator, needed);
    if (held.overflows !== undefined) counts.push(held.overflows);
    sums = held.value;
  }
  const overflows =
    counts.length === 0 ? undefined : counts.reduce((total, count) => builder.op('Add', [total, count]));
  return { sums: sums!, exact: accumulator.at === 'end' ? [exact.at(-1)!] : exact, overflows, partials: [] };
}

function start(builder: OnnxBuilder, step: DotStep): Value | undefined {
  if (step.hardware.accumulator.bias !== 'inside' || step.bias === undefined) return undefined;
  const values = Int32Array.from(step.bias.aligned);
  return builder.constant('bias', new DenseTensor('int32', channelShape(step)(step.outputs), values));
}

/** The ADC: round((sum + noise) / lsb), held between its codes. */
function read(
  builder: OnnxBuilder,
  step: DotStep,
  { adc }: AnalogDot,
  tile: number,
  partial: Value,
  supply: AnalogSupply,
): Value {
  const held = (value: Value): Value => {
    const rounded = builder.op('Round', [value]);
    if (!Number.isFinite(adc.least)) return rounded;
    return builder.op('Clip', [rounded, builder.float(adc.least), builder.float(adc.most)]);
  };
  const before = supply.noise(step, { place: 'sum', tile, at: 'beforeAdc' });
  const noisy = before === undefined ? partial : builder.op('Add', [partial, before]);
  const code = held(adc.lsb === 1 ? noisy : builder.op('Div', [noisy, builder.float(adc.lsb)]));
  const after = supply.noise(step, { place: 'sum', tile, at: 'afterAdc' });
  return after === undefined ? code : held(builder.op('Add', [code, after]));
}

/** Inputs behind the DAC, with their noise, as floats. */
function drive(
  builder: OnnxBuilder,
  step: DotStep,
  { dac }: AnalogDot,
  input: Codes,
  supply: AnalogSupply,
): Value {
  let value = builder.cast(centred(builder, input, step.inputGrid), 'float');
  const before = supply.noise(step, { place: 'inputs', what: 'beforeDac' });
  if (before !== undefined) value = builder.op('Add', [value, before]);
  if (dac !== undefined) {
    const clipped = builder.op('Clip', [value, builder.float(dac.low), builder.float(dac.high)]);
    const raised = builder.op('Sub', [clipped, builder.float(dac.low)]);
    const level = builder.op('Round', [builder.op('Div', [raised, builder.float(dac.step)])]);
    value = builder.op('Add', [builder.op('Mul', [level, builder.float(dac.step)]), builder.float(dac.low)]);
  }
  const factor = supply.noise(step, { place: 'inputs', what: 'factor' });
  if (factor !== undefined) value = builder.op('Mul', [value, builder.op('Add', [factor, builder.float(1)])]);
  const after = supply.noise(step, { place: 'inputs', what: 'afterDac' });
  return after === undefined ? value : builder.op('Add', [value, after]);
}

function emitFloatTile(
  builder: OnnxBuilder,
  step: DotStep,
  input: Value,
  weights: Float32Array,
  tile: Tile,
): Value {
  const window = sizeOf(step.window?.kernel ?? []);
  const range = channelRange(step, tile);
  const { first, last } = range ?? { first: 0, last: step.depth / window };
  const depth = (last - first) * window;
  const inTile = tile && new Set(tile);
  const value = range === undefined ? input : sliceChannels(builder, step, input, range);
  const used = new Float32Array(step.outputs * depth);
  const isRow = step.window === undefined;
  for (let o = 0; o < step.outputs; o++) {
    for (let k = 0; k < depth; k++) {
      if (inTile !== undefined && !inTile.has(first * window + k)) continue;
      used[isRow ? k * step.outputs + o : o * depth + k] = weights[o * step.depth + first * window + k]!;
    }
  }
  const name = `${step.name}_weights`;
  if (isRow)
    return builder.op('MatMul', [
      value,
      builder.constant(name, new DenseTensor('float', [depth, step.outputs], used)),
    ]);
  const dims = [step.outputs, last - first, ...step.window!.kernel];
  const stored = builder.constant(name, new DenseTensor('float', dims, used));
  return builder.op('Conv', [value, stored], convAttributes(step.window!, step.groups, false));
}
