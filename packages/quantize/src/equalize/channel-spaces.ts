import { constantTensor, type Graph, nodeName, type OpNode, type Value } from '@bitwright/graph';
import type { ChannelExtremes } from '../correct/channel-extremes.js';
import { clipBounds } from '../correct/channel-moments.js';

/**
 * Values whose channels must be scaled alike, because only operators stand between them that a positive factor passes
 * through, and the layers that make and read them.
 */
export interface ChannelSpace {
  readonly channels: number;
  /** Layers whose output channels are these. */
  readonly producers: readonly OpNode[];
  /** Layers whose input channels are these. */
  readonly consumers: readonly OpNode[];
  /** Bounds that these channels pass, and how near they come to them. */
  readonly bounds: readonly ChannelBound[];
}

/** The bounds of a Clip and the extremes of its input. */
export interface ChannelBound extends ChannelExtremes {
  readonly low: number;
  readonly high: number;
}

/** Layers whose output channels may not be rescaled, and why. */
export interface RefusedSpace {
  readonly producers: readonly OpNode[];
  readonly reason: string;
}

/** Operators that a positive factor on a channel passes through. */
const HOMOGENEOUS = new Set([
  'Relu',
  'LeakyRelu',
  'PRelu',
  'Identity',
  'Dropout',
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'GlobalMaxPool',
]);

/** A space while it grows. */
interface Growing {
  parent: Growing | undefined;
  /** Why its channels may not be rescaled. */
  obstacle: string | undefined;
  channels: number | undefined;
  readonly producers: OpNode[];
  readonly consumers: OpNode[];
  readonly bounds: ChannelBound[];
}

/**
 * The spaces of a float graph whose channels may be rescaled, and those whose may not: an input, an output or a foreign operator
 * sees them.
 *
 * @param extremes of inputs of Clip; channels may pass a Clip whose input is among them, within its bounds.
 */
export function channelSpaces(
  graph: Graph,
  extremes: ReadonlyMap<Value, ChannelExtremes> = new Map(),
): { readonly spaces: ChannelSpace[]; readonly refused: RefusedSpace[] } {
  const spaces = new Map<Value, Growing>();
  for (const value of graph.inputs) spaces.set(value, newSpace(`'${value.name}' is an input of the model`));
  for (const node of graph.ops()) visit(node, spaces, extremes);
  for (const value of graph.outputs)
    spoil(spaceOf(value, spaces), `'${value.name}' is an output of the model`);
  for (const [value, space] of spaces)
    if ([...value.uses].some((use) => use.node.graph !== graph))
      spoil(rootOf(space), `'${value.name}' is read by another graph`);
  const found = [...new Set([...spaces.values()].map(rootOf))].filter(
    ({ producers }) => producers.length > 0,
  );
  return {
    spaces: found.flatMap(({ obstacle, channels, producers, consumers, bounds }) =>
      obstacle === undefined && channels !== undefined && consumers.length > 0
        ? [{ channels, producers, consumers, bounds }]
        : [],
    ),
    refused: found.flatMap(({ obstacle, producers }) =>
      obstacle === undefined ? [] : [{ producers, reason: obstacle }],
    ),
  };
}

function visit(
  node: OpNode,
  spaces: Map<Value, Growing>,
  extremes: ReadonlyMap<Value, ChannelExtremes>,
): void {
  const [x] = node.inputs;
  const bound = x && boundOf(node, extremes.get(x));
  if (node.is('Conv') && x !== undefined && isOwnLayer(node)) {
    const { dims } = constantTensor(node.inputs[1])!;
    const into = spaceOf(x, spaces);
    setChannels(into, dims[1]! * node.attributes.int('group', 1));
    into.consumers.push(node);
    const made = newSpace();
    setChannels(made, dims[0]!);
    made.producers.push(node);
    spaces.set(node.output, made);
  } else if (x !== undefined && hasOneResult(node) && (bound !== undefined || isHomogeneous(node))) {
    const space = spaceOf(x, spaces);
    if (bound !== undefined) space.bounds.push(bound);
    spaces.set(node.outputs[0]!, space);
  } else if (node.is('Add') && node.inputs.every((value) => value !== undefined && spaces.has(value))) {
    const [a, b] = node.inputs as [Value, Value];
    unite(spaceOf(a, spaces), spaceOf(b, spaces));
    spaces.set(node.output, spaceOf(a, spaces));
  } else {
    const reason = refusalOf(node);
    for (const value of node.inputs) if (value !== undefined) spoil(spaceOf(value, spaces), reason);
    for (const value of node.outputs) spaces.set(value, newSpace(reason));
  }
}

function refusalOf(node: OpNode): string {
  const name = `'${nodeName(node)}' (${node.opType})`;
  if (node.is('Conv')) return `${name} shares its weights or bias, or they are computed`;
  if (node.is('Clip')) return `the bounds of ${name} would have to differ by channel`;
  return `${name} lets no factor of a channel pass`;
}

function isHomogeneous({ domain, opType }: OpNode): boolean {
  return domain === '' && HOMOGENEOUS.has(opType);
}

/** The bounds of a Clip that leaves zero as it is, where the extremes of its input are known. */
function boundOf(node: OpNode, extremes: ChannelExtremes | undefined): ChannelBound | undefined {
  const bounds = node.is('Clip') && extremes !== undefined ? clipBounds(node) : undefined;
  if (bounds === undefined || bounds[0] > 0 || bounds[1] < 0) return undefined;
  const { min, max } = extremes!;
  return { low: bounds[0], high: bounds[1], min: min.slice(), max: max.slice() };
}

/** A layer whose weights and bias are constants of its own. */
function isOwnLayer(node: OpNode): boolean {
  return node.inputs
    .slice(1)
    .every((value) => value === undefined || (constantTensor(value) !== undefined && value.uses.size === 1));
}

function hasOneResult(node: OpNode): boolean {
  return node.outputs.slice(1).every((value) => value.uses.size === 0);
}

function newSpace(obstacle?: string): Growing {
  return { parent: undefined, obstacle, channels: undefined, producers: [], consumers: [], bounds: [] };
}

/** Notes why a space may not be rescaled; the first reason stays. */
function spoil(space: Growing, reason: string): void {
  space.obstacle ??= reason;
}

function spaceOf(value: Value, spaces: Map<Value, Growing>): Growing {
  const held = spaces.get(value) ?? newSpace(`'${value.name}' is no layer's`);
  spaces.set(value, held);
  return rootOf(held);
}

function rootOf(space: Growing): Growing {
  let root = space;
  while (root.parent !== undefined) root = root.parent;
  return root;
}

function setChannels(space: Growing, channels: number): void {
  if (space.channels !== undefined && space.channels !== channels)
    spoil(space, 'its layers have different numbers of channels');
  space.channels = channels;
}

function unite(a: Growing, b: Growing): void {
  if (a === b) return;
  b.parent = a;
  a.obstacle ??= b.obstacle;
  if (b.channels !== undefined) setChannels(a, b.channels);
  a.producers.push(...b.producers);
  a.consumers.push(...b.consumers);
  a.bounds.push(...b.bounds);
}
