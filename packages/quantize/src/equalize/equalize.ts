import { DenseTensor, floatData } from '@bitwright/core';
import {
  constantTensor,
  type GetAttrNode,
  type GraphModule,
  nodeName,
  type OpNode,
  type Value,
} from '@bitwright/graph';
import type { ChannelExtremes } from '../correct/channel-extremes.js';
import type { ChannelMoments } from '../correct/channel-moments.js';
import { type ChannelBound, type ChannelSpace, channelSpaces } from './channel-spaces.js';

const SWEEPS = 20;
// a channel whose weights are so far below the largest does nothing but hand its bias on
const DEAD = 2 ** -12;

/** What equalization did. */
export interface Equalization {
  /** Layers whose weights changed, by name. */
  readonly layers: readonly string[];
  /** Channel spaces that were looked at. */
  readonly spaces: number;
  /** What became of each space, by the layers whose channels it is; those that may not be rescaled are among them. */
  readonly outcomes: readonly SpaceOutcome[];
}

/** What became of the channels between some layers. */
export interface SpaceOutcome {
  readonly node: string;
  readonly applied: boolean;
  readonly detail: string;
}

/** What equalization knows besides the graph. */
export interface EqualizeOptions {
  /** Extremes of inputs of Clip, which channels may then pass. */
  readonly extremes?: ReadonlyMap<Value, ChannelExtremes>;
  /** Kept in step with the channels. */
  readonly moments?: ChannelMoments;
}

/**
 * Cross-layer equalization (M. Nagel et al., "Data-free quantization through weight equalization and bias correction",
 * 2019), in place: channels that one layer makes small and the next makes large again meet in the middle, so that one scale
 * for a whole tensor serves all of them. Passes through Relu, pools, depthwise layers and residual additions.
 *
 * Factors are powers of two, so the float network gives the same numbers to the last bit.
 *
 *     clamp(x, low, high) / s = clamp(x / s, low, high)   where neither x nor x / s passes a bound: s >= x / bound
 *
 * So a channel passes a Clip whose bounds its extremes do not reach, by factors that leave it within them; one that reaches a
 * bound stays as it is. That holds for the data of the extremes.
 */
export function equalize(module: GraphModule, { extremes, moments }: EqualizeOptions = {}): Equalization {
  const { spaces, refused } = channelSpaces(module.graph, extremes);
  const weights = new Map<OpNode, LayerWeights>();
  const moved = new Set<ChannelSpace>();
  for (const { producers, consumers } of spaces)
    for (const node of [...producers, ...consumers])
      if (!weights.has(node)) weights.set(node, new LayerWeights(node));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let changed = false;
    for (const space of spaces) {
      const factors = equalizeSpace(space, weights);
      if (factors === undefined) continue;
      changed = true;
      moved.add(space);
      for (const node of space.producers)
        moments?.map(
          node.output,
          (channel) => 1 / factors[channel]!,
          () => 0,
        );
    }
    if (!changed) break;
  }
  const layers: string[] = [];
  for (const [node, layer] of weights) if (layer.store()) layers.push(nodeName(node));
  const outcomes = [
    ...spaces.map((space) => {
      const applied = moved.has(space);
      const detail = `${space.channels} channels ${applied ? 'rescaled' : 'are of like sizes already'}`;
      return { node: namesOf(space.producers), applied, detail };
    }),
    ...refused.map(({ producers, reason }) => ({ node: namesOf(producers), applied: false, detail: reason })),
  ];
  return { layers, spaces: spaces.length, outcomes };
}

function namesOf(nodes: readonly OpNode[]): string {
  return nodes.map(nodeName).join(' + ');
}

function equalizeSpace(
  { channels, producers, consumers, bounds }: ChannelSpace,
  weights: Map<OpNode, LayerWeights>,
): Float64Array | undefined {
  const made = new Float64Array(channels);
  const read = new Float64Array(channels);
  const least = new Float64Array(channels);
  for (const node of producers) weights.get(node)!.outputPeaks(made);
  for (const node of producers) weights.get(node)!.leastFactors(least);
  for (const bound of bounds) raiseToBound(least, bound);
  for (const node of consumers) weights.get(node)!.inputPeaks(read);
  let changed = false;
  const isAlive = (peaks: Float64Array): ((channel: number) => boolean) => {
    const floor = peaks.reduce((largest, peak) => Math.max(largest, peak), 0) * DEAD;
    return (channel) => peaks[channel]! > floor;
  };
  const [isMade, isRead] = [isAlive(made), isAlive(read)];
  const factors = made.map((peak, channel) => {
    if (!isMade(channel) || !isRead(channel) || bounds.some((bound) => reaches(bound, channel))) return 1;
    const octaves = Math.round(Math.log2(Math.sqrt(peak / read[channel]!)));
    const factor = 2 ** Math.max(octaves, Math.ceil(Math.log2(least[channel]!)));
    if (factor !== 1) changed = true;
    return factor;
  });
  if (!changed) return undefined;
  for (const node of producers) weights.get(node)!.divideOutputs(factors);
  for (const node of consumers) weights.get(node)!.multiplyInputs(factors);
  for (const { min, max } of bounds)
    for (const extremes of [min, max]) for (let c = 0; c < channels; c++) extremes[c]! /= factors[c]!;
  return factors;
}

/** True for a channel that a bound cuts off somewhere. */
function reaches({ low, high, min, max }: ChannelBound, channel: number): boolean {
  return max[channel]! > high || (low < 0 && min[channel]! < low);
}

/** Raises each channel's entry to the factor that brings its extremes to the bounds; a lower bound of zero stands for any factor. */
function raiseToBound(least: Float64Array, { low, high, min, max }: ChannelBound): void {
  for (let channel = 0; channel < least.length; channel++) {
    const below = low < 0 ? min[channel]! / low : 0;
    const above = high > 0 ? max[channel]! / high : 0;
    least[channel] = Math.max(least[channel]!, above, below);
  }
}

/** The weights and bias of one convolution while they are rescaled. */
class LayerWeights {
  readonly #weights: Float32Array;
  readonly #bias: Float32Array | undefined;
  readonly #rows: number;
  readonly #columns: number;
  readonly #taps: number;
  readonly #rowsOfGroup: number;
  #changed = false;

  constructor(private readonly node: OpNode) {
    const tensor = constantTensor(node.inputs[1])!;
    const bias = constantTensor(node.inputs[2]);
    this.#weights = floatData(tensor).slice();
    this.#bias = bias && floatData(bias).slice();
    [this.#rows, this.#columns] = tensor.dims as [number, number];
    this.#taps = this.#weights.length / (this.#rows * this.#columns);
    this.#rowsOfGroup = this.#rows / node.attributes.int('group', 1);
  }

  /** Raises each output channel's entry to its largest weight. */
  outputPeaks(peaks: Float64Array): void {
    this.#each((at, row) => {
      peaks[row] = Math.max(peaks[row]!, Math.abs(this.#weights[at]!));
    });
  }

  /** Raises each output channel's entry to the factor below which its bias would become the layer's largest, and so widen the range of all channels. */
  leastFactors(factors: Float64Array): void {
    if (this.#bias === undefined) return;
    const largest = this.#bias.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0);
    if (largest === 0) return;
    for (let row = 0; row < this.#rows; row++)
      factors[row] = Math.max(factors[row]!, Math.abs(this.#bias[row]!) / largest);
  }

  /** Raises each input channel's entry to the largest weight that reads it. */
  inputPeaks(peaks: Float64Array): void {
    this.#each((at, _, input) => {
      peaks[input] = Math.max(peaks[input]!, Math.abs(this.#weights[at]!));
    });
  }

  divideOutputs(factors: Float64Array): void {
    this.#changed = true;
    this.#each((at, row) => {
      this.#weights[at]! /= factors[row]!;
    });
    if (this.#bias !== undefined)
      for (let row = 0; row < this.#rows; row++) this.#bias[row]! /= factors[row]!;
  }

  multiplyInputs(factors: Float64Array): void {
    this.#changed = true;
    this.#each((at, _, input) => {
      this.#weights[at]! *= factors[input]!;
    });
  }

  /** Writes the tensors back; false when nothing changed. */
  store(): boolean {
    if (!this.#changed) return false;
    for (const [index, data] of [
      [1, this.#weights],
      [2, this.#bias],
    ] as const) {
      if (data === undefined) continue;
      const holder = this.node.inputs[index]!.producer as GetAttrNode;
      holder.tensor = new DenseTensor('float', holder.tensor.dims, data);
    }
    return true;
  }

  #each(visit: (at: number, row: number, input: number) => void): void {
    let at = 0;
    for (let row = 0; row < this.#rows; row++) {
      const group = Math.floor(row / this.#rowsOfGroup);
      for (let column = 0; column < this.#columns; column++)
        for (let tap = 0; tap < this.#taps; tap++) visit(at++, row, group * this.#columns + column);
    }
  }
}
