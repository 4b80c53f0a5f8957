import type { BackendConfig } from '@bitwright/backends';
import { BitwrightError, type Diagnostic, type QuantGrid, quantGrid, type Tensor } from '@bitwright/core';
import {
  BITWRIGHT_DOMAIN,
  constantTensor,
  type Graph,
  type GraphModule,
  isQuantizer,
  type Node,
  nodeName,
  type OpNode,
  type QuantSpec,
  quantAttributes,
  type Use,
  type Value,
} from '@bitwright/graph';
import { annotate } from './annotate.js';
import type { Annotation } from './annotation.js';
import { constrainGrid, type GridConstraints } from './grid-constraints.js';
import { type PlannedLayer, planLayers } from './layer-plan.js';
import { type FloatReason, weightChannelAxis } from './operand-roles.js';
import type { QConfig, QConfigResolver } from './qconfig.js';
import { type GridClass, solveAnnotations } from './solve-annotations.js';

/** Quantizers that are on one grid, and the values that it is chosen for. */
export interface ObserverGroup {
  /** Name of the first observed tensor, as the float model calls it. */
  readonly tensor: string;
  /** The first float value that is observed. */
  readonly root: Value;
  /** Every value that the grid must hold: the root, and those that the table wants on one grid with it. */
  readonly roots: readonly Value[];
  readonly config: QConfig;
  /** What the backend demands of the grid. */
  readonly constraints: GridConstraints;
  readonly quantizers: OpNode[];
  /** Fixed range of the operator's result (sigmoid, softmax, tanh): what the whole grid covers, whatever the data. */
  readonly fixedRange?: readonly [low: number, high: number];
  /** The data itself, for a constant operand. */
  readonly constant?: Tensor;
}

/** A layer of a prepared model with its quantizer nodes. */
export interface PreparedLayer extends PlannedLayer {
  readonly weightQuantizer?: OpNode;
  readonly biasQuantizer?: OpNode;
}

/** A model with quantizers put in, ready for calibration. */
export interface PreparedModel {
  readonly module: GraphModule;
  readonly layers: readonly PreparedLayer[];
  readonly float: Map<OpNode, FloatReason>;
  readonly groups: readonly ObserverGroup[];
  /** What was asked for and the table does not take, and demands of the table that contradict each other. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Puts QuantStub, FakeQuantize and DeQuantStub nodes into a float model, in place, as the backend table and the
 * configuration say. A value that a quantized group makes is quantized once, for all of its readers; a value that a
 * float node makes is quantized on the edges into quantized groups.
 */
export function prepare(
  module: GraphModule,
  backend: BackendConfig,
  resolver: QConfigResolver,
): PreparedModel {
  const { graph } = module;
  const plan = planLayers(graph, backend, resolver);
  resolver.assertAllUsed(graph);
  const { annotations, refused, diagnostics } = annotate(plan.layers, resolver);
  const { classes, conflicts } = solveAnnotations(annotations);
  const told = [...narrowings(plan.layers, backend), ...diagnostics, ...conflicts];
  const float = new Map(plan.float);
  for (const [layer, reason] of refused) for (const node of layer.nodes) float.set(node, reason);
  const constants = insertConstantQuantizers(annotations);
  const layers = plan.layers
    .filter((layer) => !refused.has(layer))
    .map((layer) => ({ ...layer, ...constants.get(layer) }));
  const groups = insertActivationQuantizers(graph, classes);
  if (groups.length + constants.size > 0) {
    markOutputs(graph);
    module.opsets.set(BITWRIGHT_DOMAIN, 1);
  }
  return { module, layers, float, groups, diagnostics: told };
}

/** Edges first, then whole values, so that each whole value's quantizer takes what the edges left; last the edges that quantize again. */
function insertActivationQuantizers(graph: Graph, classes: readonly GridClass[]): ObserverGroup[] {
  const groups = classes.map(groupOf);
  const whole = new Map<Value, ObserverGroup>();
  for (const [index, { places }] of classes.entries())
    for (const place of places) if (place.kind === 'value') whole.set(place.value, groups[index]!);
  const edges = new Map<Value, Map<ObserverGroup, Use[]>>();
  const again = new Map<Value, Map<ObserverGroup, Use[]>>();
  for (const [index, { places }] of classes.entries()) {
    const group = groups[index]!;
    for (const place of places) {
      if (place.kind !== 'edge' || whole.get(place.value) === group) continue;
      const of = whole.has(place.value) ? again : edges;
      const byGroup = of.get(place.value) ?? new Map<ObserverGroup, Use[]>();
      of.set(place.value, byGroup);
      byGroup.set(group, [...(byGroup.get(group) ?? []), useOf(place)]);
    }
  }
  for (const [value, byGroup] of edges)
    for (const [group, uses] of byGroup) insertQuantizer(graph, value, value, group, uses);
  for (const [value, group] of whole) insertQuantizer(graph, value, value, group, [...value.uses]);
  for (const [value, byGroup] of again)
    for (const [group, uses] of byGroup)
      insertQuantizer(graph, value, uses[0]!.node.inputs[uses[0]!.index]!, group, uses);
  return groups;
}

function useOf({ value, node, index }: { value: Value; node: OpNode; index: number }): Use {
  return [...value.uses].find((use) => use.node === node && use.index === index)!;
}

function groupOf({ roots, config, constraints }: GridClass): ObserverGroup {
  const root = roots[0]!;
  const { fixedRange } = constraints;
  const constant = roots.length === 1 ? constantTensor(root) : undefined;
  return {
    tensor: root.name,
    root,
    roots,
    config,
    constraints,
    quantizers: [],
    ...(fixedRange !== undefined && { fixedRange }),
    ...(constant !== undefined && { constant }),
  };
}

/** @param value what is observed. @param input what is quantized: the value, or what stands for it behind its quantizer. */
function insertQuantizer(
  graph: Graph,
  value: Value,
  input: Value,
  group: ObserverGroup,
  uses: readonly Use[],
): void {
  const { producer } = input;
  const spec: QuantSpec = { role: 'activation', ...activationGrid(group) };
  const { carrier } = group.constraints;
  const node = graph.createOp({
    opType: producer.kind === 'placeholder' ? 'QuantStub' : 'FakeQuantize',
    domain: BITWRIGHT_DOMAIN,
    name: `${value.name}_quantizer`,
    inputs: [input],
    attributes: quantAttributes({ ...spec, ...(carrier && { carrier }) }).with({ tensor: value.name }),
    outputs: [{ name: graph.freshName(`${value.name}_quantized`), ...(value.type && { type: value.type }) }],
    before: afterProducers(producer),
  });
  group.quantizers.push(node);
  for (const use of uses) use.node.setInput(use.index, node.output);
}

/** The grid of an activation before its range is known; calibration may turn it signed for symmetric configurations. */
function activationGrid({ config, constraints }: ObserverGroup): QuantGrid {
  return constrainGrid(quantGrid(config.activations, constraints.signed === true), constraints);
}

/** The quantizers of a layer's constants. */
type ConstantQuantizers = Pick<PreparedLayer, 'weightQuantizer' | 'biasQuantizer'>;

/** Puts in the quantizers of weights and biases, as they are annotated; a layer's bias comes behind its weights. */
function insertConstantQuantizers(annotations: readonly Annotation[]): Map<PlannedLayer, ConstantQuantizers> {
  const made = new Map<PlannedLayer, ConstantQuantizers>();
  for (const { role, place, spec, layer } of annotations) {
    if (role === 'activation' || place.kind !== 'edge') continue;
    const { anchor } = layer;
    const { weightQuantizer } = made.get(layer) ?? {};
    if (spec.kind === 'quantization' && weightQuantizer === undefined) {
      const weights = weightSpec(layer, constantTensor(place.value)!.dims.length, spec.constraints);
      made.set(layer, { weightQuantizer: insertConstantQuantizer(anchor, place.index, weights) });
      continue;
    }
    const bits = spec.kind === 'quantization' ? spec.constraints.bits[0]! : 32;
    const perChannel = weightQuantizer?.attributes.has('axis') === true;
    const bias: QuantSpec = { role: 'bias', ...quantGrid(bits, true), ...(perChannel && { axis: 0 }) };
    const biasQuantizer = insertConstantQuantizer(anchor, place.index, bias);
    made.set(layer, { ...made.get(layer), biasQuantizer });
  }
  return made;
}

function weightSpec({ anchor, config }: PlannedLayer, rank: number, constraints: GridConstraints): QuantSpec {
  const bits = config.reduceRange ? config.weights - 1 : config.weights;
  const grid = constrainGrid(quantGrid(bits, constraints.signed !== false), constraints);
  const axis = config.perChannel ? weightChannelAxis(anchor, rank) : undefined;
  const { carrier } = constraints;
  return {
    role: 'weight',
    ...grid,
    bits: config.weights,
    ...(axis !== undefined && { axis }),
    ...(carrier !== undefined && { carrier }),
  };
}

function insertConstantQuantizer(anchor: OpNode, index: number, spec: QuantSpec): OpNode {
  const value = anchor.inputs[index]!;
  const node = anchor.graph.createOp({
    opType: 'FakeQuantize',
    domain: BITWRIGHT_DOMAIN,
    name: `${value.name}_quantizer`,
    inputs: [value],
    attributes: quantAttributes(spec).with({ tensor: value.name }),
    outputs: [{ name: anchor.graph.freshName(`${value.name}_quantized`) }],
    before: anchor,
  });
  anchor.setInput(index, node.output);
  return node;
}

/** One diagnostic for each kind of choice that the table narrows, with the first layer and how many more. */
function narrowings(layers: readonly PlannedLayer[], backend: BackendConfig): Diagnostic[] {
  const byChoice = new Map<string, OpNode[]>();
  for (const { anchor, narrowings: told } of layers)
    for (const { asked, done } of told) {
      const sentence = `Asked were ${asked}; the table '${backend.name}' takes ${done}`;
      byChoice.set(sentence, [...(byChoice.get(sentence) ?? []), anchor]);
    }
  return [...byChoice].map(([sentence, [first, ...more]]) => ({
    code: 'BACKEND_NARROWS',
    severity: 'info',
    message: `${sentence} at '${nodeName(first!)}'${more.length === 0 ? '' : ` and ${more.length} more layers`}.`,
    at: { node: nodeName(first!) },
  }));
}

/** Puts a DeQuantStub before each output that comes out of the quantized part; the output keeps its name. */
function markOutputs(graph: Graph): void {
  const { outputNode } = graph;
  for (const [index, value] of graph.outputs.entries()) {
    const source = isQuantizer(value.producer) ? value.producer.inputs[0]! : value;
    const { name } = source;
    if (source.producer.kind === 'placeholder') continue;
    graph.rename(source, graph.freshName(`${name}_float`));
    const stub = graph.createOp({
      opType: 'DeQuantStub',
      domain: BITWRIGHT_DOMAIN,
      name: `${name}_dequantstub`,
      inputs: [value],
      outputs: [{ name, ...(source.type && { type: source.type }) }],
    });
    outputNode.setInput(index, stub.output);
  }
}

/** The place right behind a node, and behind all inputs of the graph for one of them. */
function afterProducers(producer: Node): Node {
  let next = producer.next;
  while (next !== undefined && next.kind === 'placeholder') next = next.next;
  if (next !== undefined) return next;
  throw new BitwrightError({
    code: 'GRAPH_NODE_ERASED',
    message: 'A node behind which a quantizer belongs is no longer in its graph.',
    hint: 'Report this as a defect of Bitwright.',
  });
}
