import { BitwrightError, DenseTensor, type Tensor } from '@bitwright/core';
import { emitBytes } from '@bitwright/emit';
import type { Value } from '@bitwright/graph';
import type { AnalogDot } from '../analog/analog-dot.js';
import { NoiseFeed, type Samples } from '../analog/noise-feed.js';
import type { DotStep, Grid, IntegerNetwork, IntegerStep, Result } from '../network/integer-network.js';
import { dotBound } from '../network/worst-case.js';
import { OnnxBuilder } from './builder.js';
import { type Codes, carrierOf, shiftOf } from './codes.js';
import { type AnalogSupply, emitAnalogSums, type NoiseInput } from './emit-analog.js';
import { channelShape, type EmittedSums, emitDotSums } from './emit-dot.js';
import { emitDequantizer, emitRequantizer } from './emit-requantizer.js';
import { emitSpread } from './emit-spread.js';
import {
  carried,
  centred,
  emitAdd,
  emitAverageSums,
  emitMaxPool,
  emitMove,
  emitMultiply,
  emitSoftmax,
  emitTable,
} from './emit-steps.js';

/** What an emitted file gives out beside the network's own outputs. */
export interface EmitNetworkOptions {
  /**
   * `statistics`: extremes and overflow counts of each accumulator; `magnitudes`: the largest tile sum and input of each dot
   * product; `accumulators`: all of them; `codes`: every value.
   */
  readonly observe?: readonly ('statistics' | 'magnitudes' | 'accumulators' | 'codes')[];
  /** The noise of a run: it programs the weights now, and the rest is fed through the inputs in `noise`. */
  readonly feed?: NoiseFeed;
}

/** An input of an emitted file that carries noise. */
export interface NoiseInputPlace {
  readonly name: string;
  readonly step: DotStep;
  readonly what: NoiseInput;
}

/** Names of the extra outputs, by the output of the step that they are about. */
export interface ObservedOutputs {
  readonly least?: string;
  readonly most?: string;
  readonly overflows?: string;
  readonly accumulators?: string;
  readonly codes?: string;
  readonly tile?: string;
  readonly input?: string;
}

/** An integer network as a file. */
export interface EmittedNetwork {
  readonly bytes: Uint8Array;
  readonly observed: ReadonlyMap<string, ObservedOutputs>;
  /** Inputs beside the network's own, which carry noise. */
  readonly noise: readonly NoiseInputPlace[];
}

/** Why a network can't be said in ONNX operators of a reasonable number; undefined when it can. */
export function notEmittable(
  network: IntegerNetwork,
): { readonly name: string; readonly reason: string } | undefined {
  for (const step of network.steps) {
    const reason = step.kind === 'dot' ? refused(step) : undefined;
    if (reason !== undefined) return { name: step.name, reason };
  }
  return undefined;
}

const SILENT = { weightNoise: { additive: 0, proportional: 0 }, plugins: [] };

/** The noise of one input of an emitted file over a batch; undefined where the source is silent. */
export function noiseFor(
  feed: NoiseFeed,
  step: DotStep,
  what: NoiseInput,
  samples: Samples,
): Float32Array | undefined {
  const analog = step.analog!;
  return what.place === 'inputs'
    ? feed.inputs(step, analog, what.what, samples)
    : feed.sum(step, analog, what.tile, what.at, samples);
}

function refused(step: DotStep): string | undefined {
  const { accumulator, pairs } = step.hardware;
  if (step.analog !== undefined) return undefined;
  const bound = dotBound(step);
  const bias = step.bias?.aligned.reduce((most, one) => Math.max(most, Math.abs(one)), 0) ?? 0;
  const widest = Math.max(-bound.low, bound.high) + bias;
  if (widest >= 2 ** 31 && (accumulator.bits > 32 || accumulator.overflow !== 'wrap'))
    return 'its sums need more than 32 bits';
  if (accumulator.at === 'mac' && accumulator.overflow !== 'wrap' && bound.bits > accumulator.bits)
    return 'it may overflow, which is looked at after each product';
  if (pairs && pairsMaySaturate(step)) return 'its pairs of products may saturate';
  return undefined;
}

/** True when some input makes the sum of two adjacent products pass 16 bits. */
export function pairsMaySaturate(step: DotStep): boolean {
  const raw = step.hardware.accumulator.sum === 'raw';
  const zero = raw ? 0 : step.inputGrid.zeroPoint;
  const low = Math.min(step.inputGrid.min - zero, 0);
  const high = Math.max(step.inputGrid.max - zero, 0);
  for (let o = 0; o < step.outputs; o++) {
    const centre = raw ? 0 : step.weightZeroPoint[step.weightZeroPoint.length === 1 ? 0 : o]!;
    for (let k = 0; k < step.depth; k += 2) {
      const first = step.weights[o * step.depth + k]! - centre;
      const second = k + 1 < step.depth ? step.weights[o * step.depth + k + 1]! - centre : 0;
      const most = Math.max(first * low, first * high) + Math.max(second * low, second * high);
      const least = Math.min(first * low, first * high) + Math.min(second * low, second * high);
      if (most > 32767 || least < -32768) return true;
    }
  }
  return false;
}

/**
 * Writes an integer network in plain ONNX operators, which any ONNX Runtime replays bit for bit: ConvInteger and
 * MatMulInteger of unsigned bytes, int32 sums, Clip or Mod for narrow accumulators, and the requantizer in float32, int64 or
 * double arithmetic, whichever is exact for it.
 *
 * @throws SIMULATE_NOT_EMITTABLE for what only the interpreter can do.
 */
export function emitNetwork(network: IntegerNetwork, options: EmitNetworkOptions = {}): EmittedNetwork {
  const obstacle = notEmittable(network);
  if (obstacle !== undefined) {
    throw new BitwrightError({
      code: 'SIMULATE_NOT_EMITTABLE',
      message: `'${obstacle.name}' can't be written in ONNX operators: ${obstacle.reason}.`,
      hint: 'Simulate it with the interpreter, or look at overflow at the end or at each tile.',
      at: { node: obstacle.name },
    });
  }
  const emitter = new NetworkEmitter(network, new Set(options.observe), options.feed);
  for (const step of network.steps) emitter.emit(step);
  return emitter.finish();
}

type Held =
  | { readonly kind: 'codes'; readonly codes: Codes }
  | { readonly kind: 'float'; readonly value: Value };

class NetworkEmitter {
  readonly #builder: OnnxBuilder;
  readonly #values = new Map<string, Held>();
  readonly #observed = new Map<string, ObservedOutputs>();
  readonly #noise: NoiseInputPlace[] = [];
  readonly #pending: { name: string; value: Value; dtype: 'int32' | 'uint8' }[] = [];

  constructor(
    private readonly network: IntegerNetwork,
    private readonly observe: ReadonlySet<string>,
    private readonly feed: NoiseFeed | undefined,
  ) {
    this.#builder = new OnnxBuilder(network.opset, network.irVersion);
    for (const { name, dtype, shape } of network.inputs) {
      const { output } = this.#builder.graph.placeholder(name, { kind: 'tensor', dtype, shape });
      this.#values.set(name, { kind: 'float', value: output });
    }
  }

  emit(step: IntegerStep): void {
    const held = this.#step(step);
    this.#values.set(step.output, held);
    if (held.kind === 'codes' && this.observe.has('codes'))
      this.#note(step, { codes: `${step.output}:codes` }, held.codes.value, held.codes.carrier);
  }

  finish(): EmittedNetwork {
    for (const { name, value } of this.network.outputs)
      this.#builder.output(name, this.#float(value), 'float');
    for (const { name, value, dtype } of this.#pending) this.#builder.output(name, value, dtype);
    return { bytes: emitBytes(this.#builder.module), observed: this.#observed, noise: this.#noise };
  }

  #step(step: IntegerStep): Held {
    const builder = this.#builder;
    switch (step.kind) {
      case 'quantize':
        return { kind: 'codes', codes: quantize(builder, this.#float(step.input), step.grid) };
      case 'dequantize': {
        const c = builder.cast(centred(builder, this.#codes(step.input), step.grid), 'float');
        return { kind: 'float', value: builder.op('Mul', [c, builder.float(step.grid.scale)]) };
      }
      case 'constant': {
        const shifted = step.codes.map((code) => code + shiftOf(step.grid));
        const value = builder.constant(step.output, new DenseTensor('int32', step.dims, shifted));
        return { kind: 'codes', codes: carried(builder, value, step.grid) };
      }
      case 'dot':
        return this.#dot(step);
      case 'matmul': {
        const [a, b] = step.inputs.map((name) => this.#codes(name)) as [Codes, Codes];
        const zeros = step.grids.map((grid, i) => builder.uint8(grid.zeroPoint + [a, b][i]!.shift));
        const sums = builder.op('MatMulInteger', [a.value, b.value, ...zeros]);
        this.#observeSums(step, { sums, exact: [sums], overflows: undefined, partials: [sums] });
        return this.#result(sums, step.result, () => []);
      }
      case 'average': {
        const sums = emitAverageSums(builder, step, this.#codes(step.input));
        this.#observeSums(step, sums);
        return this.#result(sums.sums, step.result, () => []);
      }
      default:
        return this.#other(step);
    }
  }

  #other(
    step: Exclude<
      IntegerStep,
      { kind: 'quantize' | 'dequantize' | 'constant' | 'dot' | 'matmul' | 'average' }
    >,
  ): Held {
    const builder = this.#builder;
    const codes = (made: Codes): Held => ({ kind: 'codes', codes: made });
    switch (step.kind) {
      case 'add':
        return codes(emitAdd(builder, step, this.#codes(step.inputs[0]), this.#codes(step.inputs[1])));
      case 'multiply':
        return codes(emitMultiply(builder, step, this.#codes(step.inputs[0]), this.#codes(step.inputs[1])));
      case 'max-pool':
        return codes(emitMaxPool(builder, step, this.#codes(step.input)));
      case 'rescale': {
        const c = centred(builder, this.#codes(step.input), step.inputGrid);
        const code = emitRequantizer(builder, c, step.requantizer, () => [], shiftOf(step.grid));
        return codes(carried(builder, code, step.grid));
      }
      case 'concat': {
        const parts = step.inputs.map((name) => this.#codes(name));
        const value = builder.op(
          'Concat',
          parts.map((part) => part.value),
          { axis: step.axis },
        );
        return codes({ ...parts[0]!, value });
      }
      case 'move': {
        const held = this.#values.get(step.input)!;
        if (held.kind === 'float')
          return { kind: 'float', value: emitMove(builder, step, held.value, undefined) };
        return codes({ ...held.codes, value: emitMove(builder, step, held.codes.value, held.codes) });
      }
      case 'spread':
        return codes(emitSpread(builder, step, this.#codes(step.input)));
      case 'table':
        return codes(emitTable(builder, step, this.#codes(step.input)));
      case 'softmax':
        return codes(emitSoftmax(builder, step, this.#codes(step.input)));
      case 'float': {
        const inputs = step.inputs.map((input) => this.#floatInput(input));
        const { opType, domain, attributes } = step.node;
        return {
          kind: 'float',
          value: builder.graph.createOp({ opType, domain, inputs, attributes }).output,
        };
      }
    }
  }

  #dot(step: DotStep): Held {
    const builder = this.#builder;
    const input = this.#codes(step.input);
    const emitted =
      step.analog === undefined
        ? emitDotSums(builder, step, input)
        : emitAnalogSums(builder, step, step.analog, input, this.#supply(step.analog));
    this.#observeSums(step, emitted);
    if (this.observe.has('magnitudes')) this.#observeMagnitudes(step, emitted, input);
    const shape = channelShape(step);
    let { sums } = emitted;
    if (step.bias !== undefined && step.hardware.accumulator.bias === 'apart') {
      const values = Int32Array.from(step.bias.aligned);
      const bias = builder.constant(
        `${step.name}_bias`,
        new DenseTensor('int32', shape(step.outputs), values),
      );
      sums = builder.op('Add', [sums, bias]);
    }
    return this.#result(sums, step.result, shape);
  }

  #supply(analog: AnalogDot): AnalogSupply {
    const { feed } = this;
    const silent = feed ?? new NoiseFeed(this.network, 0);
    return {
      weights: (step) => silent.weights(step, feed === undefined ? { ...analog, ...SILENT } : analog),
      noise: (step, what) => {
        if (feed === undefined || noiseFor(feed, step, what, { first: 0, count: 0, size: 0 }) === undefined)
          return undefined;
        const name = `${step.output}:noise:${Object.values(what).join(':')}`;
        this.#noise.push({ name, step, what });
        return this.#builder.graph.placeholder(name, { kind: 'tensor', dtype: 'float', shape: undefined })
          .output;
      },
    };
  }

  #result(sums: Value, result: Result, shape: (channels: number) => readonly number[]): Held {
    const builder = this.#builder;
    if (result.kind === 'float')
      return { kind: 'float', value: emitDequantizer(builder, sums, result.dequantizer, shape) };
    const { grid, requantizer } = result;
    const code = emitRequantizer(builder, sums, requantizer, shape, shiftOf(grid));
    return { kind: 'codes', codes: carried(builder, code, grid) };
  }

  #observeSums(step: IntegerStep, { sums, exact, overflows }: EmittedSums): void {
    const builder = this.#builder;
    if (this.observe.has('accumulators'))
      this.#note(step, { accumulators: `${step.output}:accumulators` }, sums, 'int32');
    if (!this.observe.has('statistics')) return;
    const extreme = (opType: 'ReduceMin' | 'ReduceMax', join: 'Min' | 'Max'): Value => {
      const each = exact.map((value) => builder.reduceAll(opType, value));
      return each.length === 1 ? each[0]! : builder.op(join, each);
    };
    this.#note(step, { least: `${step.output}:least` }, extreme('ReduceMin', 'Min'), 'int32');
    this.#note(step, { most: `${step.output}:most` }, extreme('ReduceMax', 'Max'), 'int32');
    if (overflows !== undefined)
      this.#note(step, { overflows: `${step.output}:overflows` }, overflows, 'int32');
  }

  #observeMagnitudes(step: DotStep, { partials }: EmittedSums, input: Codes): void {
    const builder = this.#builder;
    const largest = (value: Value): Value => builder.reduceAll('ReduceMax', builder.op('Abs', [value]));
    const tiles = partials.map(largest);
    this.#note(
      step,
      { tile: `${step.output}:tile` },
      tiles.length === 1 ? tiles[0]! : builder.op('Max', tiles),
      'int32',
    );
    const inputs = largest(centred(builder, input, step.inputGrid));
    this.#note(step, { input: `${step.output}:input` }, inputs, 'int32');
  }

  #note(step: IntegerStep, names: ObservedOutputs, value: Value, dtype: 'int32' | 'uint8'): void {
    this.#observed.set(step.output, { ...this.#observed.get(step.output), ...names });
    this.#pending.push({ name: Object.values(names)[0]!, value, dtype });
  }

  #codes(name: string): Codes {
    return (this.#values.get(name) as Extract<Held, { kind: 'codes' }>).codes;
  }

  #float(name: string): Value {
    return (this.#values.get(name) as Extract<Held, { kind: 'float' }>).value;
  }

  #floatInput(input: string | Tensor | undefined): Value | undefined {
    if (typeof input === 'string') return this.#float(input);
    return input && this.#builder.constant('constant', input);
  }
}

/** clamp(round_half_even(fl32(x / s)) + z), as QuantizeLinear and a Clip have it. */
function quantize(builder: OnnxBuilder, x: Value, grid: Grid): Codes {
  const shift = shiftOf(grid);
  const rounded = builder.op('Round', [builder.op('Div', [x, builder.float(grid.scale)])]);
  const code = builder.op('Add', [rounded, builder.float(grid.zeroPoint + shift)]);
  const held = builder.op('Clip', [code, builder.float(grid.min + shift), builder.float(grid.max + shift)]);
  const carrier = carrierOf(grid);
  return { value: builder.cast(held, carrier), carrier, shift };
}
