import { floatData } from '@bitwright/core';
import { constantTensor, type Graph, type GraphModule, type OpNode, type Value } from '@bitwright/graph';
import { clippedNormal } from './clipped-normal.js';

/** Mean and standard deviation of each channel of a value, over samples and places. */
export interface Moments {
  readonly mean: Float64Array;
  /** Undefined where only the mean is known. */
  readonly deviation: Float64Array | undefined;
}

/** What the batch normalizations of a network state of their results, by the name of the value: mean beta, deviation |gamma|. */
export type StatedMoments = ReadonlyMap<string, Moments>;

/** Reads the batch normalizations of a module, before rules fold them into convolutions. */
export function statedMoments({ graph }: GraphModule): StatedMoments {
  const stated = new Map<string, Moments>();
  for (const node of graph.ops()) {
    if (!node.is('BatchNormalization') || node.attributes.int('training_mode', 0) !== 0) continue;
    const [gamma, beta] = [constantTensor(node.inputs[1]), constantTensor(node.inputs[2])];
    if (gamma?.dtype !== 'float' || beta?.dtype !== 'float') continue;
    stated.set(node.outputs[0]!.name, {
      mean: Float64Array.from(floatData(beta)),
      deviation: Float64Array.from(floatData(gamma), Math.abs),
    });
  }
  return stated;
}

/**
 * Means and standard deviations of channels, without data: those that batch normalizations state, and what follows from them
 * through what stands between layers, as if every channel were normal and operands of an addition independent.
 */
export class ChannelMoments {
  readonly #stated = new Map<Value, Moments>();

  /** @param graph the graph behind the rules, whose values have the names that they had before. */
  constructor(graph: Graph, stated: StatedMoments) {
    for (const [name, moments] of stated) {
      const value = graph.findValue(name);
      if (value !== undefined) this.#stated.set(value, moments);
    }
  }

  /** Of a value; undefined where nothing states or implies them. */
  of(value: Value): Moments | undefined {
    const stated = this.#stated.get(value);
    const { producer } = value;
    return stated ?? (producer.kind === 'op' ? this.#implied(producer) : undefined);
  }

  /** Keeps what is stated of a value in step with a change of its maker: y becomes factor y + shift, channel by channel. */
  map(value: Value, factor: (channel: number) => number, shift: (channel: number) => number): void {
    const held = this.#stated.get(value);
    if (held === undefined) return;
    this.#stated.set(value, {
      mean: held.mean.map((mean, c) => factor(c) * mean + shift(c)),
      deviation: held.deviation?.map((deviation, c) => Math.abs(factor(c)) * deviation),
    });
  }

  #implied(node: OpNode): Moments | undefined {
    const [x] = node.inputs;
    if (x === undefined || node.domain !== '') return undefined;
    switch (node.opType) {
      case 'Identity':
      case 'Dropout':
        return this.of(x);
      case 'Relu':
        return clipped(this.of(x), 0, Number.POSITIVE_INFINITY);
      case 'Clip': {
        const bounds = clipBounds(node);
        return bounds && clipped(this.of(x), ...bounds);
      }
      case 'Add':
        return sum(node.inputs.map((input) => input && this.of(input)));
      case 'GlobalAveragePool':
        return meanOnly(this.of(x));
      case 'AveragePool':
        return readsPadding(node) ? undefined : meanOnly(this.of(x));
      case 'Flatten':
      case 'Reshape':
        return spread(this.of(x), node);
      default:
        return undefined;
    }
  }
}

/** The constant bounds of a Clip, infinite where there is none; undefined where they are computed. */
export function clipBounds(node: OpNode): readonly [low: number, high: number] | undefined {
  const bound = (index: number, none: number): number | undefined => {
    const input = node.inputs[index];
    if (input === undefined) return none;
    const tensor = constantTensor(input);
    return tensor?.dtype === 'float' ? floatData(tensor)[0] : undefined;
  };
  const [low, high] = [bound(1, Number.NEGATIVE_INFINITY), bound(2, Number.POSITIVE_INFINITY)];
  return low === undefined || high === undefined ? undefined : [low, high];
}

/** True for an operator with a window that may count padding as zeros. */
export function readsPadding({ attributes }: OpNode): boolean {
  const padding = attributes.string('auto_pad', 'NOTSET');
  if (padding === 'SAME_UPPER' || padding === 'SAME_LOWER' || attributes.int('ceil_mode', 0) === 1)
    return true;
  return padding === 'NOTSET' && (attributes.ints('pads') ?? []).some((pad) => pad !== 0);
}

function clipped(moments: Moments | undefined, low: number, high: number): Moments | undefined {
  const deviation = moments?.deviation;
  if (moments === undefined || deviation === undefined) return undefined;
  const channels = Array.from(moments.mean, (mean, c) =>
    clippedNormal({ mean, deviation: deviation[c]! }, low, high),
  );
  return {
    mean: Float64Array.from(channels, (channel) => channel.mean),
    deviation: Float64Array.from(channels, (channel) => channel.deviation),
  };
}

function sum([a, b]: readonly (Moments | undefined)[]): Moments | undefined {
  if (a === undefined || b === undefined || a.mean.length !== b.mean.length) return undefined;
  const { deviation } = b;
  return {
    mean: a.mean.map((mean, c) => mean + b.mean[c]!),
    deviation: deviation && a.deviation?.map((value, c) => Math.hypot(value, deviation[c]!)),
  };
}

function meanOnly(moments: Moments | undefined): Moments | undefined {
  return moments && { mean: moments.mean, deviation: undefined };
}

/** Channels and their places in one dimension: each channel's mean as often as it has places. */
function spread(moments: Moments | undefined, node: OpNode): Moments | undefined {
  const from = node.inputs[0]!.shape;
  const to = node.outputs[0]!.shape;
  if (moments === undefined || from === undefined || to?.length !== 2) return undefined;
  const [batch, channels, ...places] = from;
  const inner = places.reduce<number>(
    (product, size) => product * (typeof size === 'number' ? size : Number.NaN),
    1,
  );
  if (channels !== moments.mean.length || to[1] !== channels * inner || to[0] !== batch) return undefined;
  return {
    mean: Float64Array.from({ length: channels * inner }, (_, i) => moments.mean[Math.floor(i / inner)]!),
    deviation: undefined,
  };
}
