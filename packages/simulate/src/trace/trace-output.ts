import { BitwrightError, didYouMean, nearestName, signedBits } from '@bitwright/core';
import { wrapTo } from '../arithmetic/overflow.js';
import { summingOrder } from '../interpreter/accumulate.js';
import type { Interpretation } from '../interpreter/interpret.js';
import { planPatches } from '../interpreter/patches.js';
import { sizeOf, stridesOf } from '../interpreter/tensor.js';
import type { DotStep, IntegerNetwork } from '../network/integer-network.js';
import { weightZeroPointOf } from '../network/worst-case.js';
import { type Requantizer, requantize } from '../requantize/requantizer.js';

/** One product of a sum. */
export interface TracedProduct {
  /** Index of the input channel within its group, and of the tap of the window. */
  readonly channel: number;
  readonly tap: readonly number[];
  readonly isPadding: boolean;
  readonly inputCode: number;
  readonly weightCode: number;
  /** (q_x - z_x)(q_w - z_w). */
  readonly product: number;
  /** Their sum so far, and the bits of a signed register that holds it. */
  readonly sum: number;
  readonly bits: number;
}

/** The arithmetic of one output element, from codes to a code. */
export interface OutputTrace {
  readonly layer: string;
  readonly opType: string;
  readonly output: readonly number[];
  readonly inputGrid: { readonly scale: number; readonly zeroPoint: number };
  readonly weights: { readonly scale: number; readonly zeroPoint: number };
  readonly products: readonly TracedProduct[];
  /** sum(q_x q_w), z_x sum(q_w), z_w sum(q_x) and K z_x z_w: raw - the first - the second + the third is the sum of products. */
  readonly zeroPointTerms: {
    readonly raw: number;
    readonly inputZero: number;
    readonly weightZero: number;
    readonly both: number;
  };
  readonly accumulator: number;
  /** As the hardware's register holds it. */
  readonly held: number;
  readonly accumulatorBits: number;
  readonly bias: number;
  readonly biased: number;
  readonly requantize: { readonly kind: string; readonly multiplier: string } | undefined;
  /** (accumulator + bias) * s_x * s_w / s_y + z_y before it is rounded, and the code behind rounding and clamping. */
  readonly unrounded: number | undefined;
  readonly code: number | undefined;
  readonly range: readonly [number, number] | undefined;
  /** What the code stands for; without requantization the float that the layer gives. */
  readonly value: number;
  /** The same sum in real numbers, before it is rounded to the output's grid. */
  readonly exact: number;
}

/** Follows the sum of one output element of a layer, product by product. @throws TRACE_LAYER, TRACE_OUTPUT. */
export function traceOutput(
  network: IntegerNetwork,
  run: Interpretation,
  layer: string,
  output: readonly number[],
): OutputTrace {
  const step = findLayer(network, layer);
  const input = run.values.get(step.input)!;
  const sums = run.accumulators.get(step.output)!;
  const at = placeOf(step, sums.dims, output);
  const channel = step.window === undefined ? output.at(-1)! : output[1]!;
  const products = productsOf(step, input, sums.dims, output, channel);
  const accumulator = products.at(-1)?.sum ?? 0;
  const held = sums.data[at]!;
  const bias = step.bias?.aligned[channel] ?? 0;
  const isApart = step.hardware.accumulator.bias === 'apart';
  const biased = isApart ? wrapTo(held + bias, Math.max(32, step.hardware.accumulator.bits)) : held;
  const value = run.values.get(step.output)!.data[at]!;
  const ending = endOf(step, biased, channel, value);
  const zero = weightZeroPointOf(step, channel);
  return {
    layer: step.name,
    opType: step.opType,
    output,
    inputGrid: { scale: step.inputGrid.scale, zeroPoint: step.inputGrid.zeroPoint },
    weights: { scale: step.weightScale[step.weightScale.length === 1 ? 0 : channel]!, zeroPoint: zero },
    products,
    zeroPointTerms: termsOf(products, step.inputGrid.zeroPoint, zero),
    accumulator,
    held,
    accumulatorBits: step.hardware.accumulator.bits,
    bias,
    biased,
    ...ending,
    exact: (accumulator + bias) * step.scale[channel]!,
  };
}

function productsOf(
  step: DotStep,
  input: { dims: readonly number[]; data: ArrayLike<number> },
  dims: readonly number[],
  output: readonly number[],
  channel: number,
): TracedProduct[] {
  const plan = planPatches(step, input.dims);
  const window = step.window?.kernel ?? [];
  const taps = sizeOf(window);
  const position = step.window === undefined ? placeOf(step, dims, output) : spatialIndex(dims, output);
  const row = step.window === undefined ? Math.floor(position / step.outputs) : position;
  const sample = step.window === undefined ? 0 : output[0]!;
  const group = Math.floor(channel / (step.outputs / plan.groups));
  const base = sample * plan.sampleStride + group * plan.groupStride;
  const zero = weightZeroPointOf(step, channel);
  let sum = 0;
  const order = summingOrder(step.depth, taps, step.hardware.tile?.order ?? 'channel-first');
  return Array.from(order, (k) => {
    const from = plan.index[k * plan.positions + row]!;
    const inputCode = from < 0 ? step.inputGrid.zeroPoint : input.data[base + from]!;
    const weightCode = step.weights[channel * step.depth + k]!;
    const product = (inputCode - step.inputGrid.zeroPoint) * (weightCode - zero);
    sum += product;
    return {
      channel: Math.floor(k / taps),
      tap: tapOf(k % taps, window),
      isPadding: from < 0,
      inputCode,
      weightCode,
      product,
      sum,
      bits: signedBits(Math.min(sum, 0), Math.max(sum, 0)),
    };
  });
}

function tapOf(index: number, window: readonly number[]): number[] {
  const tap: number[] = [];
  let rest = index;
  for (let d = window.length - 1; d >= 0; d--) {
    tap.unshift(rest % window[d]!);
    rest = Math.floor(rest / window[d]!);
  }
  return tap;
}

function spatialIndex(dims: readonly number[], output: readonly number[]): number {
  const strides = stridesOf(dims.slice(2));
  return strides.reduce((at, stride, d) => at + stride * output[d + 2]!, 0);
}

function termsOf(
  products: readonly TracedProduct[],
  inputZero: number,
  weightZero: number,
): OutputTrace['zeroPointTerms'] {
  let raw = 0;
  let inputs = 0;
  let weights = 0;
  for (const { inputCode, weightCode } of products) {
    raw += inputCode * weightCode;
    inputs += inputCode;
    weights += weightCode;
  }
  return {
    raw,
    inputZero: inputZero * weights,
    weightZero: weightZero * inputs,
    both: products.length * inputZero * weightZero,
  };
}

function endOf(
  step: DotStep,
  biased: number,
  channel: number,
  value: number,
): Pick<OutputTrace, 'requantize' | 'unrounded' | 'code' | 'range' | 'value'> {
  const { result } = step;
  if (result.kind === 'float')
    return { requantize: undefined, unrounded: undefined, code: undefined, range: undefined, value };
  const { grid, requantizer } = result;
  const code = requantize(biased, entryOf(requantizer, channel), requantizer);
  return {
    requantize: { kind: requantizer.kind, multiplier: describe(requantizer, channel) },
    unrounded: (biased * step.scale[channel]!) / grid.scale + grid.zeroPoint,
    code,
    range: [requantizer.low, requantizer.high],
    value: Math.fround((code - grid.zeroPoint) * grid.scale),
  };
}

function entryOf(by: Requantizer, channel: number): number {
  const entries =
    by.kind === 'thresholds'
      ? by.thresholds.length / Math.max(by.count, 1)
      : by.kind === 'power-of-two'
        ? by.shift.length
        : by.multiplier.length;
  return entries === 1 ? 0 : channel;
}

function describe(by: Requantizer, channel: number): string {
  const entry = entryOf(by, channel);
  switch (by.kind) {
    case 'float':
      return `* ${by.multiplier[entry]!.toPrecision(9)} (float32), half to even`;
    case 'fixed-point':
      return `* ${by.multiplier[entry]} / 2^${by.shift[entry]}, ${by.rounding} rounding`;
    case 'power-of-two':
      return `/ 2^${by.shift[entry]}, ${by.rounding}`;
    case 'thresholds':
      return `count of ${by.count} thresholds`;
  }
}

function findLayer(network: IntegerNetwork, name: string): DotStep {
  const layers = network.steps.filter((step): step is DotStep => step.kind === 'dot');
  const found = layers.find((step) => step.name === name);
  if (found !== undefined) return found;
  const other = network.steps.find((step) => step.name === name);
  throw new BitwrightError({
    code: 'TRACE_LAYER',
    message:
      other === undefined
        ? `The model has no layer '${name}'.`
        : `'${name}' is no sum of products (it is a ${other.kind}).`,
    hint: hintFor(
      name,
      layers.map((step) => step.name),
    ),
    at: { node: name },
    kind: 'usage',
  });
}

/** The nearest name, or where none is near the first few. */
function hintFor(name: string, layers: readonly string[]): string {
  if (layers.length <= 12 || nearestName(name, layers) !== undefined) return didYouMean(name, layers);
  return `There are ${layers.slice(0, 4).join(', ')} and ${layers.length - 4} more.`;
}

function placeOf(step: DotStep, dims: readonly number[], output: readonly number[]): number {
  const fits =
    output.length === dims.length &&
    output.every((index, d) => Number.isInteger(index) && index >= 0 && index < dims[d]!);
  if (!fits) {
    throw new BitwrightError({
      code: 'TRACE_OUTPUT',
      message: `'${step.name}' has no output element ${output.join(',')}: its result is [${dims.join(', ')}].`,
      hint: `Give ${dims.length} indices, each below its dimension, e.g. --output ${dims.map(() => 0).join(',')}.`,
      at: { option: '--output', node: step.name },
      kind: 'usage',
    });
  }
  return stridesOf(dims).reduce((at, stride, d) => at + stride * output[d]!, 0);
}
