import { DenseTensor, floatData } from '@bitwright/core';
import { constantTensor, type Graph, nodeName, type OpNode, type Value } from '@bitwright/graph';
import { type BiasTaker, takersOf } from './bias-takers.js';
import type { ChannelKnowledge, CorrectionOutcome, NetworkCorrection } from './correction.js';

/** How many deviations below its mean a normal variable hardly ever falls. */
const DEVIATIONS = 3;

/**
 * Moves what a channel always has from the bias before a Relu into the biases of the layers behind it, so that the channel's range
 * begins nearer to zero: high-bias absorption.
 *
 *     W2 relu(W1 x + b1) + b2 = W2 (relu(W1 x + b1 - c) + c) + b2,   as relu(u) = relu(u - c) + c for u >= c >= 0
 *
 * c = max(0, beta - 3 gamma) where a batch normalization states beta and gamma, else the smallest value that the calibration data
 * shows: exact where the Relu's input stays above it. Padding stays zero and is not c, so a layer that pads takes nothing.
 *
 * M. Nagel et al., "Data-free quantization through weight equalization and bias correction", ICCV 2019, section 4.1.3.
 */
export const absorbBias: NetworkCorrection = {
  name: 'absorb-bias',
  description: 'constant parts of channels move through a Relu into the next biases',
  stage: 'network',
  needs: 'nothing',
  async correct({ graph }, known) {
    const places = [...graph.ops()].filter((node) => node.is('Relu')).map(placeAt);
    const floors = await floorsOf(places, known);
    return places.map((place) => {
      const found =
        typeof place.ways === 'string' ? place.ways : absorb(graph, place, floors.get(place.input), known);
      const isDone = typeof found !== 'string';
      return {
        correction: absorbBias.name,
        node: nodeName(place.relu),
        applied: isDone,
        detail: isDone
          ? `up to ${Math.max(...found).toPrecision(3)} of ${found.length} channels moved on`
          : found,
      } satisfies CorrectionOutcome;
    });
  },
};

/** A Relu, the layer whose bias can make its input smaller, and the layers that can take that up. */
interface Place {
  readonly relu: OpNode;
  readonly input: Value;
  readonly ways: { readonly maker: OpNode; readonly takers: readonly BiasTaker[] } | string;
}

function placeAt(relu: OpNode): Place {
  const input = relu.inputs[0]!;
  const maker = makerOf(input);
  if (typeof maker === 'string') return { relu, input, ways: maker };
  const takers = takersOf(relu.output);
  return { relu, input, ways: typeof takers === 'string' ? takers : { maker, takers } };
}

/** The layer that makes a value alone, or as an operand of an addition. */
function makerOf(value: Value): OpNode | string {
  const { producer } = value;
  if (value.uses.size !== 1 || value.isReturned) return `its input '${value.name}' is read elsewhere too`;
  if (producer.kind !== 'op') return 'its input is no layer';
  if (hasOwnBias(producer)) return producer;
  if (producer.is('Add'))
    for (const operand of producer.inputs) {
      const layer = operand?.producer;
      if (layer?.kind === 'op' && operand!.uses.size === 1 && !operand!.isReturned && hasOwnBias(layer))
        return layer;
    }
  return 'no layer with a bias of its own makes its input';
}

function hasOwnBias(node: OpNode): boolean {
  const bias = node.inputs[2];
  return (
    (node.is('Conv') || node.is('ConvTranspose') || node.is('Gemm')) &&
    constantTensor(bias)?.dtype === 'float' &&
    bias!.uses.size === 1 &&
    node.attributes.float('beta', 1) === 1
  );
}

/** What each place's input is hardly ever below, channel by channel. */
async function floorsOf(
  places: readonly Place[],
  { moments, extremes }: ChannelKnowledge,
): Promise<Map<Value, Float64Array>> {
  const floors = new Map<Value, Float64Array>();
  const unknown: Value[] = [];
  for (const { input, ways } of places) {
    if (typeof ways === 'string') continue;
    const found = moments.of(input);
    const deviation = found?.deviation;
    if (found === undefined || deviation === undefined) unknown.push(input);
    else
      floors.set(
        input,
        found.mean.map((mean, c) => mean - DEVIATIONS * deviation[c]!),
      );
  }
  if (extremes === undefined || unknown.length === 0) return floors;
  for (const [value, { min }] of await extremes(unknown)) floors.set(value, min);
  return floors;
}

/** @returns what was moved of each channel, or why nothing. */
function absorb(
  graph: Graph,
  { ways }: Place,
  floor: Float64Array | undefined,
  { moments }: ChannelKnowledge,
): Float64Array | string {
  if (typeof ways === 'string') return ways;
  if (floor === undefined)
    return 'no batch normalization states how low its input falls, and there is no data that shows it';
  const moved = floor.map((value) => Math.fround(Math.max(0, value)));
  if (moved.every((value) => value === 0)) return 'every channel comes down to zero';
  const { maker, takers } = ways;
  const shares = takers.map((taker) => taker.share(moved));
  if (floatData(constantTensor(maker.inputs[2])!).length !== moved.length || shares.includes(undefined))
    return 'its channels are not those of the layers around it';
  addToBias(
    graph,
    maker,
    moved.map((value) => -value),
  );
  moments.map(
    maker.outputs[0]!,
    () => 1,
    (channel) => -moved[channel]!,
  );
  for (const [i, { node }] of takers.entries()) {
    addToBias(graph, node, shares[i]!);
  }
  return moved;
}

/** Adds to the bias of a layer, which gets one where it has none. */
function addToBias(graph: Graph, node: OpNode, amounts: Float64Array): void {
  const before = node.inputs[2];
  const held = before === undefined ? undefined : floatData(constantTensor(before)!);
  const values = Float32Array.from(amounts, (amount, row) => (held?.[row] ?? 0) + amount);
  const name = before?.name ?? `${node.outputs[0]!.name}_bias`;
  const made = graph.getAttr(name, new DenseTensor('float', [values.length], values), node).output;
  node.setInput(2, made);
  if (before === undefined || before.uses.size > 0) return;
  graph.eraseNode(before.producer);
  graph.rename(made, name);
}
