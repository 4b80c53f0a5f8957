import { isDeQuantStub, isQuantizer, type OpNode, quantSpecOf, type Value } from '@bitwright/graph';
import type { PreparedLayer, PreparedModel } from '../prepare.js';
import { separators } from './separators.js';

/** A part of the network that is reconstructed as a whole: one tensor in, one tensor out. */
export interface Block {
  /** The last value before the block through which all data passes: the block's input follows from it. */
  readonly from: Value;
  /** Float values, before any quantizer that stands on them. */
  readonly input: Value;
  readonly output: Value;
  readonly layers: readonly PreparedLayer[];
  /** Quantizers of activations inside. */
  readonly quantizers: readonly OpNode[];
}

/** A chain is cut after so many layers. */
const LAYERS_OF_A_CHAIN = 3;
/** Branches of more layers are taken layer by layer. */
const LAYERS_OF_BRANCHES = 8;

interface Segment {
  readonly input: Value;
  readonly output: Value;
  readonly layers: readonly PreparedLayer[];
}

/**
 * Divides a quantized network into blocks, in order. Branches that part and meet again (residual blocks, inception cells)
 * make one block; of a plain chain, up to three layers do. Where branches hold too many layers, or nothing lies behind them
 * through which all data passes, each layer is a block of its own.
 */
export function planBlocks(prepared: PreparedModel): Block[] {
  const { graph } = prepared.module;
  const layers = prepared.layers.filter(({ weightQuantizer }) => weightQuantizer !== undefined);
  const anchors = new Map(layers.map((layer) => [layer.anchor, layer]));
  const cuts = separators(graph).filter((value) => isCut(value, anchors));
  const segments: Segment[] = [];
  for (let i = 1; i < cuts.length; i++) {
    const [input, output] = [cuts[i - 1]!, cuts[i]!];
    segments.push({ input, output, layers: layersBetween(input, output, anchors) });
  }
  const blocks: Block[] = [];
  const claimed = new Set<PreparedLayer>();
  for (const { input, output, layers: own } of merged(segments)) {
    for (const layer of own) claimed.add(layer);
    if (own.length > LAYERS_OF_BRANCHES) blocks.push(...own.map((layer) => layerBlock(layer, input)));
    else blocks.push(blockOf(input, input, output, own));
  }
  const last = cuts.at(-1);
  if (last !== undefined)
    for (const layer of layers) if (!claimed.has(layer)) blocks.push(layerBlock(layer, last));
  return blocks;
}

/** Cuts lie where a layer or a quantizer begins, so that what follows a layer at once stays with it. */
function isCut(value: Value, anchors: ReadonlyMap<OpNode, PreparedLayer>): boolean {
  if (isQuantizer(value.producer)) return false;
  for (const node of value.users()) {
    if (node.kind === 'output' || value.producer.kind === 'placeholder') return true;
    if (node.kind === 'op' && (isQuantizer(node) || anchors.has(node))) return true;
  }
  return false;
}

/** Puts segments without layers to the one behind them (the last to the one before), and short chains together. */
function merged(segments: readonly Segment[]): Segment[] {
  const result: Segment[] = [];
  let pending: Segment | undefined;
  for (const segment of segments) {
    const joined: Segment = pending === undefined ? segment : join(pending, segment);
    pending = undefined;
    if (joined.layers.length === 0) {
      pending = joined;
      continue;
    }
    const before = result.at(-1);
    const chains = joined.layers.length === 1 && before !== undefined && isChain(before);
    if (chains && before.layers.length < LAYERS_OF_A_CHAIN) result[result.length - 1] = join(before, joined);
    else result.push(joined);
  }
  const before = result.at(-1);
  if (pending !== undefined && before !== undefined) result[result.length - 1] = join(before, pending);
  return result;
}

function join(first: Segment, second: Segment): Segment {
  return { input: first.input, output: second.output, layers: [...first.layers, ...second.layers] };
}

/** True for layers of which each feeds only the next. */
function isChain({ input, output }: Segment): boolean {
  for (const node of nodesBetween(input, output)) {
    const moving = node.inputs.filter((value) => value !== undefined && value.producer.kind !== 'get_attr');
    const data = moving.filter((value) => !isWeightQuantizer(value!));
    if (data.length > 1) return false;
  }
  return true;
}

function isWeightQuantizer({ producer }: Value): boolean {
  return isQuantizer(producer) && quantSpecOf(producer).role !== 'activation';
}

function layerBlock(layer: PreparedLayer, from: Value): Block {
  const read = layer.anchor.inputs[0]!;
  const input = isQuantizer(read.producer) ? read.producer.inputs[0]! : read;
  return blockOf(from, input, layer.nodes.at(-1)!.outputs[0]!, [layer]);
}

function blockOf(from: Value, input: Value, output: Value, layers: readonly PreparedLayer[]): Block {
  const made = beforeQuantizers(output);
  const quantizers = [...nodesBetween(input, made)].filter(
    (node) => isQuantizer(node) && quantSpecOf(node).role === 'activation',
  );
  return { from, input, output: made, layers, quantizers };
}

/** The network's own output is quantized for what reads it, not for its error: the block ends before that. */
function beforeQuantizers(value: Value): Value {
  const { producer } = value;
  return isDeQuantStub(producer) || isQuantizer(producer) ? beforeQuantizers(producer.inputs[0]!) : value;
}

function layersBetween(
  input: Value,
  output: Value,
  anchors: ReadonlyMap<OpNode, PreparedLayer>,
): PreparedLayer[] {
  return [...nodesBetween(input, output)].flatMap((node) => anchors.get(node) ?? []).reverse();
}

/** The operators that make one value from another, the last first. */
export function nodesBetween(input: Value, output: Value): Set<OpNode> {
  const found = new Set<OpNode>();
  const stack = [output];
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    const { producer } = value;
    if (value === input || producer.kind !== 'op' || found.has(producer)) continue;
    found.add(producer);
    for (const read of producer.inputs) if (read !== undefined) stack.push(read);
  }
  return found;
}
