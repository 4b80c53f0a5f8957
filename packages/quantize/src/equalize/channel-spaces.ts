import { constantTensor, type Graph, type OpNode, type Value } from '@bitwright/graph';

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
  legal: boolean;
  channels: number | undefined;
  readonly producers: OpNode[];
  readonly consumers: OpNode[];
}

/** The spaces of a float graph whose channels may be rescaled; none that an input, an output or a foreign operator sees. */
export function channelSpaces(graph: Graph): ChannelSpace[] {
  const spaces = new Map<Value, Growing>();
  for (const value of graph.inputs) spaces.set(value, newSpace(false));
  for (const node of graph.ops()) visit(node, spaces);
  for (const value of graph.outputs) spaceOf(value, spaces).legal = false;
  for (const [value, space] of spaces)
    if ([...value.uses].some((use) => use.node.graph !== graph)) rootOf(space).legal = false;
  return [...new Set([...spaces.values()].map(rootOf))].flatMap(
    ({ legal, channels, producers, consumers }) =>
      legal && channels !== undefined && producers.length > 0 && consumers.length > 0
        ? [{ channels, producers, consumers }]
        : [],
  );
}

function visit(node: OpNode, spaces: Map<Value, Growing>): void {
  const [x] = node.inputs;
  if (node.is('Conv') && x !== undefined && isOwnLayer(node)) {
    const { dims } = constantTensor(node.inputs[1])!;
    const into = spaceOf(x, spaces);
    setChannels(into, dims[1]! * node.attributes.int('group', 1));
    into.consumers.push(node);
    const made = newSpace(true);
    setChannels(made, dims[0]!);
    made.producers.push(node);
    spaces.set(node.output, made);
  } else if (node.domain === '' && HOMOGENEOUS.has(node.opType) && x !== undefined && hasOneResult(node)) {
    spaces.set(node.outputs[0]!, spaceOf(x, spaces));
  } else if (node.is('Add') && node.inputs.every((value) => value !== undefined && spaces.has(value))) {
    const [a, b] = node.inputs as [Value, Value];
    unite(spaceOf(a, spaces), spaceOf(b, spaces));
    spaces.set(node.output, spaceOf(a, spaces));
  } else {
    for (const value of node.inputs) if (value !== undefined) spaceOf(value, spaces).legal = false;
    for (const value of node.outputs) spaces.set(value, newSpace(false));
  }
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

function newSpace(legal: boolean): Growing {
  return { parent: undefined, legal, channels: undefined, producers: [], consumers: [] };
}

function spaceOf(value: Value, spaces: Map<Value, Growing>): Growing {
  const held = spaces.get(value) ?? newSpace(false);
  spaces.set(value, held);
  return rootOf(held);
}

function rootOf(space: Growing): Growing {
  let root = space;
  while (root.parent !== undefined) root = root.parent;
  return root;
}

function setChannels(space: Growing, channels: number): void {
  if (space.channels !== undefined && space.channels !== channels) space.legal = false;
  space.channels = channels;
}

function unite(a: Growing, b: Growing): void {
  if (a === b) return;
  b.parent = a;
  a.legal &&= b.legal;
  if (b.channels !== undefined) setChannels(a, b.channels);
  a.producers.push(...b.producers);
  a.consumers.push(...b.consumers);
}
