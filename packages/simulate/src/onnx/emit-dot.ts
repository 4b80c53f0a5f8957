import { DenseTensor } from '@bitwright/core';
import type { Value } from '@bitwright/graph';
import { summingOrder } from '../interpreter/accumulate.js';
import { sizeOf } from '../interpreter/tensor.js';
import type { DotStep, Window } from '../network/integer-network.js';
import { dotBound, weightZeroPointOf } from '../network/worst-case.js';
import type { OnnxBuilder } from './builder.js';
import type { Codes } from './codes.js';
import { emitOverflow } from './emit-overflow.js';

/** The accumulators of a dot product in the file, and how often they were too narrow (int32; absent where never). */
export interface EmittedSums {
  /** Before the bias, zero points corrected. */
  readonly sums: Value;
  /** What the width was enforced on, for the extremes. */
  readonly exact: readonly Value[];
  readonly overflows: Value | undefined;
  /** The exact sum of each tile by itself. */
  readonly partials: readonly Value[];
}

/** One byte of an operand: its place value, and its zero point. */
export interface Part {
  readonly value: Value;
  readonly zero: Value;
  readonly factor: number;
}

/** Writes the sums of products: ConvInteger or MatMulInteger of bytes (u8 x u8, which is exact on every CPU), tile by tile. */
export function emitDotSums(builder: OnnxBuilder, step: DotStep, input: Codes): EmittedSums {
  const raw = step.hardware.accumulator.sum === 'raw';
  const padded = raw ? padExplicitly(builder, step, input) : input;
  const inputs = bytesOf(builder, padded, raw ? 0 : step.inputGrid.zeroPoint);
  const tiles = tilesOf(step);
  const bound = dotBound(step);
  const { accumulator } = step.hardware;
  const exact: Value[] = [];
  const partials: Value[] = [];
  const counts: Value[] = [];
  let sums: Value | undefined = startOf(builder, step);
  for (const tile of tiles) {
    const partial = emitTile(builder, step, inputs, tile, raw);
    partials.push(partial);
    const next = sums === undefined ? partial : builder.op('Add', [sums, partial]);
    exact.push(next);
    const held = emitOverflow(builder, next, accumulator, bound.bits);
    if (held.overflows !== undefined) counts.push(held.overflows);
    sums = held.value;
  }
  const overflows =
    counts.length === 0 ? undefined : counts.reduce((total, count) => builder.op('Add', [total, count]));
  return { sums: raw ? correct(builder, step, sums!, padded) : sums!, exact, overflows, partials };
}

/** The bias as the accumulator's first value, where the device keeps it there. */
function startOf(builder: OnnxBuilder, step: DotStep): Value | undefined {
  if (step.hardware.accumulator.bias !== 'inside' || step.bias === undefined) return undefined;
  const values = Int32Array.from(step.bias.aligned);
  return builder.constant('bias', new DenseTensor('int32', channelShape(step)(step.outputs), values));
}

/** How per-channel constants lie along the accumulators of a step. */
export function channelShape(step: DotStep): (channels: number) => readonly number[] {
  const trailing = step.window === undefined ? [] : step.window.kernel.map(() => 1);
  return (channels) =>
    channels === 1 ? [] : step.window === undefined ? [channels] : [1, channels, ...trailing];
}

/** Products of one tile as indices into (channel, window); undefined is all of them. */
export type Tile = Int32Array | undefined;

function tilesOf(step: DotStep): Tile[] {
  const { accumulator, tile } = step.hardware;
  return accumulator.at === 'tile' && tile !== undefined ? tilesOfSize(step, tile.size) : [undefined];
}

/** The products of a step in tiles of a size, in the order in which the device sums them. */
export function tilesOfSize(step: DotStep, size: number): Tile[] {
  if (size >= step.depth) return [undefined];
  const kernel = sizeOf(step.window?.kernel ?? []);
  const order = summingOrder(step.depth, kernel, step.hardware.tile?.order ?? 'channel-first');
  const tiles: Tile[] = [];
  for (let first = 0; first < step.depth; first += size) tiles.push(order.subarray(first, first + size));
  return tiles;
}

/** Splits codes into bytes; codes of up to 8 bits are one. */
export function bytesOf(builder: OnnxBuilder, input: Codes, zeroPoint: number): Part[] {
  const zero = zeroPoint + input.shift;
  if (input.carrier === 'uint8') return [{ value: input.value, zero: builder.uint8(zero), factor: 1 }];
  const low = builder.op('Mod', [input.value, builder.int32(256)]);
  const high = builder.op('Div', [input.value, builder.int32(256)]);
  return [
    { value: builder.cast(low, 'uint8'), zero: builder.uint8(zero % 256), factor: 1 },
    { value: builder.cast(high, 'uint8'), zero: builder.uint8(Math.floor(zero / 256)), factor: 256 },
  ];
}

/** Writes the exact sum of one tile, in int32. */
export function emitTile(
  builder: OnnxBuilder,
  step: DotStep,
  inputs: readonly Part[],
  tile: Tile,
  raw: boolean,
): Value {
  const range = channelRange(step, tile);
  const weights = weightParts(builder, step, tile, range, raw);
  const terms: Value[] = [];
  for (const x of inputs) {
    const value = range === undefined ? x.value : sliceChannels(builder, step, x.value, range);
    for (const w of weights) {
      const product = multiply(builder, step, value, w, x, raw);
      const factor = x.factor * w.factor;
      terms.push(factor === 1 ? product : builder.op('Mul', [product, builder.int32(factor)]));
    }
  }
  const sum = terms.reduce((total, term) => builder.op('Add', [total, term]));
  return raw ? sum : recentre(builder, step, sum, inputs, tile, range);
}

function multiply(builder: OnnxBuilder, step: DotStep, value: Value, w: Part, x: Part, raw: boolean): Value {
  if (step.window === undefined) return builder.op('MatMulInteger', [value, w.value, x.zero, w.zero]);
  return builder.op(
    'ConvInteger',
    [value, w.value, x.zero, w.zero],
    convAttributes(step.window, step.groups, raw),
  );
}

/** The attributes of a convolution with a window. */
export function convAttributes(
  window: Window,
  group: number,
  unpadded: boolean,
): Record<string, number | number[]> {
  return {
    kernel_shape: [...window.kernel],
    strides: [...window.strides],
    dilations: [...window.dilations],
    pads: window.pads.map((pad) => (unpadded ? 0 : pad)),
    group,
  };
}

/** The input channels that a tile reads, where that is fewer than all. */
export function channelRange(step: DotStep, tile: Tile): { first: number; last: number } | undefined {
  if (tile === undefined || step.groups > 1) return undefined;
  const window = sizeOf(step.window?.kernel ?? []);
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  for (const k of tile) {
    first = Math.min(first, Math.floor(k / window));
    last = Math.max(last, Math.floor(k / window) + 1);
  }
  return first === 0 && last === step.depth / window ? undefined : { first, last };
}

/** The input channels of a tile. */
export function sliceChannels(
  builder: OnnxBuilder,
  step: DotStep,
  value: Value,
  range: { first: number; last: number },
): Value {
  const axis = step.window === undefined ? -1 : 1;
  return builder.op('Slice', [
    value,
    builder.int64s('first', [range.first]),
    builder.int64s('last', [range.last]),
    builder.int64s('axis', [axis]),
  ]);
}

/** The zero point that all weights are stored with in the file: the common one, or the first where they differ. */
function storedZero(step: DotStep): number {
  return step.weightZeroPoint[0]!;
}

/** The weights of a tile as bytes; what is not in the tile stands for zero. */
function weightParts(
  builder: OnnxBuilder,
  step: DotStep,
  tile: Tile,
  range: { first: number; last: number } | undefined,
  raw: boolean,
): Part[] {
  const window = sizeOf(step.window?.kernel ?? []);
  const { first, last } = range ?? { first: 0, last: step.depth / window };
  const depth = (last - first) * window;
  const shift = step.weightMin < 0 ? -step.weightMin : 0;
  const zero = (raw ? 0 : storedZero(step)) + shift;
  const stored = new Int32Array(step.outputs * depth).fill(zero);
  const inTile = tile && new Set(tile);
  for (let o = 0; o < step.outputs; o++)
    for (let k = 0; k < depth; k++)
      if (inTile === undefined || inTile.has(first * window + k))
        stored[o * depth + k] = step.weights[o * step.depth + first * window + k]! + shift;
  const part = (factor: number, of: (code: number) => number): Part => ({
    value: storeWeights(builder, step, Uint8Array.from(stored, of), depth),
    zero: builder.uint8(of(zero)),
    factor,
  });
  if (step.weightMax + shift <= 255) return [part(1, (code) => code)];
  return [part(1, (code) => code % 256), part(256, (code) => Math.floor(code / 256))];
}

function storeWeights(builder: OnnxBuilder, step: DotStep, bytes: Uint8Array, depth: number): Value {
  const name = `${step.name}_weights`;
  if (step.window !== undefined) {
    const channels = depth / sizeOf(step.window.kernel);
    return builder.constant(
      name,
      new DenseTensor('uint8', [step.outputs, channels, ...step.window.kernel], bytes),
    );
  }
  const columns = new Uint8Array(bytes.length);
  for (let o = 0; o < step.outputs; o++)
    for (let k = 0; k < depth; k++) columns[k * step.outputs + o] = bytes[o * depth + k]!;
  return builder.constant(name, new DenseTensor('uint8', [depth, step.outputs], columns));
}

/** Where channels have zero points of their own: sum x (w - z_c) = sum x (w - z_0) + (z_0 - z_c) sum x. */
function recentre(
  builder: OnnxBuilder,
  step: DotStep,
  sum: Value,
  inputs: readonly Part[],
  tile: Tile,
  range: { first: number; last: number } | undefined,
): Value {
  const differences = Int32Array.from(
    { length: step.outputs },
    (_, o) => storedZero(step) - weightZeroPointOf(step, o),
  );
  if (differences.every((difference) => difference === 0)) return sum;
  const totals = inputSums(builder, step, inputs, tile, range, false);
  const factor = builder.constant(
    'zero_points',
    new DenseTensor('int32', channelShape(step)(step.outputs), differences),
  );
  return builder.op('Add', [sum, builder.op('Mul', [totals, factor])]);
}

/** The sum of the operands of each output, through the same window with weights of one. */
function inputSums(
  builder: OnnxBuilder,
  step: DotStep,
  inputs: readonly Part[],
  tile: Tile,
  range: { first: number; last: number } | undefined,
  raw: boolean,
): Value {
  const ones: DotStep = {
    ...step,
    weights: new Int32Array(step.weights.length).fill(1),
    weightZeroPoint: Int32Array.of(0),
    weightMin: 0,
    weightMax: 1,
  };
  const terms = inputs.map((x) => {
    const value = range === undefined ? x.value : sliceChannels(builder, step, x.value, range);
    const [w] = weightParts(builder, ones, tile, range, raw);
    const product = multiply(builder, ones, value, w!, x, raw);
    return x.factor === 1 ? product : builder.op('Mul', [product, builder.int32(x.factor)]);
  });
  return terms.reduce((total, term) => builder.op('Add', [total, term]));
}

/** Raw sums read the zero point in the padding, so that it is written there. */
function padExplicitly(builder: OnnxBuilder, step: DotStep, input: Codes): Codes {
  const { window } = step;
  if (window === undefined || window.pads.every((pad) => pad === 0)) return input;
  const rank = window.kernel.length;
  const pads = [0, 0, ...window.pads.slice(0, rank), 0, 0, ...window.pads.slice(rank)];
  const code = step.inputGrid.zeroPoint + input.shift;
  const value = input.carrier === 'uint8' ? builder.uint8(code) : builder.int32(code);
  return { ...input, value: builder.op('Pad', [input.value, builder.int64s('pads', pads), value]) };
}

/** Takes the zero points out of raw sums: - z_w sum(q_x) - z_x sum(q_w) + K z_x z_w. */
function correct(builder: OnnxBuilder, step: DotStep, sums: Value, padded: Codes): Value {
  const zero = step.inputGrid.zeroPoint;
  const constants = new Int32Array(step.outputs);
  const centres = new Int32Array(step.outputs);
  for (let o = 0; o < step.outputs; o++) {
    let total = 0;
    for (let k = 0; k < step.depth; k++) total += step.weights[o * step.depth + k]!;
    centres[o] = weightZeroPointOf(step, o);
    constants[o] = step.depth * zero * centres[o]! - zero * total;
  }
  const shape = channelShape(step)(step.outputs);
  let corrected = builder.op('Add', [
    sums,
    builder.constant('correction', new DenseTensor('int32', shape, constants)),
  ]);
  if (centres.some((centre) => centre !== 0)) {
    const totals = inputSums(builder, step, bytesOf(builder, padded, 0), undefined, undefined, true);
    const factor = builder.constant('zero_points', new DenseTensor('int32', shape, centres));
    corrected = builder.op('Sub', [corrected, builder.op('Mul', [totals, factor])]);
  }
  return corrected;
}
