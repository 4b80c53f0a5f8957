import type { BackendConfig } from '@bitwright/backends';
import { BitwrightError, type QuantGrid, quantGrid, type Tensor } from '@bitwright/core';
import {
  BITWRIGHT_DOMAIN,
  constantTensor,
  type Graph,
  type GraphModule,
  isQuantizer,
  type Node,
  type OpNode,
  type QuantSpec,
  quantAttributes,
  type Use,
  type Value,
} from '@bitwright/graph';
import { type FloatReason, type PlannedLayer, planLayers } from './layer-plan.js';
import type { QConfig, QConfigResolver } from './qconfig.js';

/** Quantizers that share one grid, because the nodes between them only move values. Their root is observed. */
export interface ObserverGroup {
  /** Name of the observed tensor, as the float model calls it. */
  readonly tensor: string;
  /** The float value that is observed. */
  readonly root: Value;
  readonly config: QConfig;
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
  const names = [...graph.ops()];
  resolver.assertAllUsed(
    names.map((node) => node.displayName),
    [...graph.nodes()].flatMap((node) => node.outputs.map((value) => value.name)),
    names.map((node) => node.opType),
  );
  const inserter = new QuantizerInserter(graph, resolver);
  const float = new Map(plan.float);
  const layers: PreparedLayer[] = [];
  for (const layer of plan.layers) {
    const refused = inserter.annotate(layer);
    if (refused !== undefined) for (const node of layer.nodes) float.set(node, refused);
    else layers.push({ ...layer, ...insertWeightQuantizers(layer) });
  }
  inserter.insert();
  if (inserter.groups.length > 0) {
    markOutputs(graph);
    module.opsets.set(BITWRIGHT_DOMAIN, 1);
  }
  return { module, layers, float, groups: inserter.groups };
}

/** Collects where quantizers belong, then puts them in, so that matching sees the float graph only. */
class QuantizerInserter {
  readonly groups: ObserverGroup[] = [];
  /** Values that are quantized for all readers. */
  readonly #whole = new Map<Value, ObserverGroup>();
  /** Edges that are quantized by themselves, by value and width. */
  readonly #edges = new Map<Value, { group: ObserverGroup; uses: Use[] }[]>();

  constructor(
    private readonly graph: Graph,
    private readonly resolver: QConfigResolver,
  ) {}

  /** Notes the quantizers that a layer needs; a reason when its inputs decide that it stays float. */
  annotate(layer: PlannedLayer): FloatReason | undefined {
    const dtypes = layer.entry.dtypes[0]!;
    const shares = layer.entry.observation === 'OUTPUT_SHARE_OBSERVER_WITH_INPUT';
    if (shares) {
      const group = this.#whole.get(layer.anchor.inputs[0]!);
      if (group === undefined)
        return { code: 'FLOAT_INPUT_FLOAT', reason: 'it only moves values and its input is float' };
      for (const value of movedResults(layer.anchor)) this.#whole.set(value, group);
      return undefined;
    }
    if (dtypes.input !== undefined)
      for (const index of layer.activationInputs) this.#annotateInput(layer, index);
    if (dtypes.output !== undefined) this.#annotateOutput(layer, dtypes.output.fixedRange);
    return undefined;
  }

  /** Inserts everything that was noted. */
  insert(): void {
    for (const [value, edges] of this.#edges) {
      for (const { group, uses } of edges) this.#insertQuantizer(value, group, uses);
    }
    for (const [value, group] of this.#whole) this.#insertQuantizer(value, group, [...value.uses]);
  }

  #annotateInput(layer: PlannedLayer, index: number): void {
    const value = layer.anchor.inputs[index]!;
    if (this.#whole.has(value)) return;
    const config = this.resolver.forTensor(value.name, layer.config);
    if (config === undefined) return;
    const use = [...value.uses].find(
      (candidate) => candidate.node === layer.anchor && candidate.index === index,
    )!;
    const edges = this.#edges.get(value) ?? [];
    this.#edges.set(value, edges);
    const same = edges.find(({ group }) => group.config.activations === config.activations);
    if (same !== undefined) {
      same.uses.push(use);
      return;
    }
    edges.push({ group: this.#newGroup(value, config), uses: [use] });
  }

  #annotateOutput(layer: PlannedLayer, fixedRange: ObserverGroup['fixedRange']): void {
    const value = layer.nodes.at(-1)!.outputs[0]!;
    const config = this.resolver.forTensor(value.name, layer.config);
    if (config !== undefined) this.#whole.set(value, this.#newGroup(value, config, fixedRange));
  }

  #newGroup(root: Value, config: QConfig, fixedRange?: ObserverGroup['fixedRange']): ObserverGroup {
    const constant = constantTensor(root);
    const group: ObserverGroup = {
      tensor: root.name,
      root,
      config,
      quantizers: [],
      ...(fixedRange !== undefined && { fixedRange }),
      ...(constant !== undefined && { constant }),
    };
    this.groups.push(group);
    return group;
  }

  #insertQuantizer(value: Value, group: ObserverGroup, uses: readonly Use[]): void {
    const { producer } = value;
    const spec: QuantSpec = { role: 'activation', ...activationGrid(group.config) };
    const node = this.graph.createOp({
      opType: producer.kind === 'placeholder' ? 'QuantStub' : 'FakeQuantize',
      domain: BITWRIGHT_DOMAIN,
      name: `${value.name}_quantizer`,
      inputs: [value],
      attributes: quantAttributes(spec).with({ tensor: value.name }),
      outputs: [
        { name: this.graph.freshName(`${value.name}_quantized`), ...(value.type && { type: value.type }) },
      ],
      before: afterProducers(producer),
    });
    group.quantizers.push(node);
    for (const use of uses) use.node.setInput(use.index, node.output);
  }
}

/** The results that hold values of the input: all but the indices that a MaxPool may give beside them. */
function movedResults(node: OpNode): readonly Value[] {
  return node.is('MaxPool') ? node.outputs.slice(0, 1) : node.outputs;
}

/** The grid of an activation before its range is known; calibration may turn it signed for symmetric configurations. */
export function activationGrid(config: QConfig): QuantGrid {
  return quantGrid(config.activations, false);
}

/** The grid of a layer's weights. */
export function weightGrid(config: QConfig): QuantGrid {
  const bits = config.reduceRange ? config.weights - 1 : config.weights;
  return { ...quantGrid(bits, true), bits: config.weights };
}

/** The axis of a weight's output channels; undefined where one scale must serve the whole tensor. */
export function weightChannelAxis(node: OpNode, rank: number): number | undefined {
  switch (node.opType) {
    case 'Conv':
      return 0;
    case 'ConvTranspose':
      return node.attributes.int('group', 1) === 1 ? 1 : undefined;
    case 'Gemm':
      return node.attributes.int('transB', 0) === 1 ? 0 : 1;
    default:
      return rank === 2 ? 1 : undefined;
  }
}

function insertWeightQuantizers(layer: PlannedLayer): { weightQuantizer?: OpNode; biasQuantizer?: OpNode } {
  const { anchor, config, weightInput, biasInput } = layer;
  if (weightInput === undefined || layer.entry.dtypes[0]?.weight === undefined) return {};
  const weight = anchor.inputs[weightInput]!;
  const rank = constantTensor(weight)!.dims.length;
  const axis = config.perChannel ? weightChannelAxis(anchor, rank) : undefined;
  const spec: QuantSpec = { role: 'weight', ...weightGrid(config), ...(axis !== undefined && { axis }) };
  const weightQuantizer = insertConstantQuantizer(anchor, weightInput, spec);
  if (biasInput === undefined || config.bias === 'float') return { weightQuantizer };
  const bits = Number(config.bias.slice(3));
  const biasAxis = axis === undefined ? undefined : 0;
  const biasSpec: QuantSpec = {
    role: 'bias',
    ...quantGrid(bits, true),
    ...(biasAxis !== undefined && { axis: biasAxis }),
  };
  return { weightQuantizer, biasQuantizer: insertConstantQuantizer(anchor, biasInput, biasSpec) };
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
