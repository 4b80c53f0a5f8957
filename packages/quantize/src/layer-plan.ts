import type { BackendConfig, BackendPatternConfig } from '@bitwright/backends';
import type { Tensor } from '@bitwright/core';
import type { Graph, OpNode, Value } from '@bitwright/graph';
import { constantTensor, graphsOf } from '@bitwright/graph';
import { inferDtypes } from './dtypes.js';
import type { QConfig, QConfigResolver } from './qconfig.js';

/** Why a node stays float; every code is explained in the reference of errors. */
export interface FloatReason {
  readonly code: string;
  readonly reason: string;
}

/** A group of nodes that one table entry claims, e.g. Conv and the Relu behind it. */
export interface PlannedLayer {
  readonly entry: BackendPatternConfig;
  readonly nodes: readonly OpNode[];
  readonly anchor: OpNode;
  readonly config: QConfig;
  /** Which input holds weights, and the bias; undefined for operators without. */
  readonly weightInput?: number;
  readonly biasInput?: number;
  /** Inputs of the anchor that carry activations. */
  readonly activationInputs: readonly number[];
}

/** What becomes of every operator node. */
export interface LayerPlan {
  readonly layers: readonly PlannedLayer[];
  readonly float: ReadonlyMap<OpNode, FloatReason>;
}

/** Operators with weights: which inputs are weight and bias. */
const WEIGHTED: Readonly<Record<string, { weight: number; bias?: number }>> = {
  Conv: { weight: 1, bias: 2 },
  ConvTranspose: { weight: 1, bias: 2 },
  Gemm: { weight: 1, bias: 2 },
  MatMul: { weight: 1 },
};

/** Operators whose inputs behind the first are parameters (shapes, bounds, axes), not activations. */
const FIRST_INPUT_ONLY = new Set([
  'Clip',
  'Reshape',
  'Slice',
  'Squeeze',
  'Unsqueeze',
  'Split',
  'Pad',
  'Resize',
  'Gather',
  'Expand',
  'Tile',
  'ReduceMean',
  'PRelu',
]);

/**
 * Matches the table's patterns, longest first, in the graph's order, and decides for every operator whether it is
 * quantized, in which group and how, or why it stays float. Edits nothing.
 */
export function planLayers(graph: Graph, backend: BackendConfig, resolver: QConfigResolver): LayerPlan {
  const dtypes = inferDtypes(graph);
  const entries = entriesByFirst(backend);
  const claimed = new Set<OpNode>();
  const layers: PlannedLayer[] = [];
  const float = new Map<OpNode, FloatReason>();
  for (const node of graph.ops()) {
    if (claimed.has(node)) continue;
    const outcome = planNode(node, entries.get(node.opType) ?? [], resolver, (value) => dtypes.get(value));
    if ('code' in outcome) {
      float.set(node, outcome);
      for (const inner of bodiesOf(node))
        float.set(inner, { code: 'FLOAT_IN_BODY', reason: 'it stands in the body of an If, Loop or Scan' });
      continue;
    }
    for (const member of outcome.nodes) claimed.add(member);
    layers.push(outcome);
  }
  return { layers: withFirstLastBits(layers, backend), float };
}

function planNode(
  node: OpNode,
  entries: readonly BackendPatternConfig[],
  resolver: QConfigResolver,
  dtypeOf: (value: Value) => string | undefined,
): PlannedLayer | FloatReason {
  const config = resolver.forNode(node);
  if (config === undefined) return { code: 'FLOAT_KEPT', reason: 'it was asked to stay float' };
  if (node.domain !== '')
    return {
      code: 'FLOAT_NO_PATTERN',
      reason: `the operator ${node.domain}.${node.opType} is not of the standard set`,
    };
  if (entries.length === 0) {
    const why = node.is('BatchNormalization')
      ? 'it could not be folded into a convolution'
      : 'no pattern of the backend table begins with it';
    return { code: node.is('BatchNormalization') ? 'FLOAT_BATCH_NORM' : 'FLOAT_NO_PATTERN', reason: why };
  }
  const dtype = node.inputs[0] === undefined ? undefined : dtypeOf(node.inputs[0]);
  if (dtype !== undefined && dtype !== 'float')
    return { code: 'FLOAT_DTYPE', reason: `it works on ${dtype} values` };
  for (const entry of entries) {
    const nodes = matchChain(node, entry.pattern);
    if (nodes === undefined || nodes.slice(1).some((member) => resolver.forNode(member) === undefined))
      continue;
    return planLayer(entry, nodes, config);
  }
  return { code: 'FLOAT_NO_PATTERN', reason: 'no pattern of the backend table fits here' };
}

function planLayer(
  entry: BackendPatternConfig,
  nodes: readonly OpNode[],
  config: QConfig,
): PlannedLayer | FloatReason {
  const anchor = nodes[entry.pattern.indexOf(entry.anchor)]!;
  const roles = operandRoles(anchor);
  if ('code' in roles) return roles;
  const accepted = entry.dtypes.some(
    ({ input, weight }) =>
      (input === undefined || input.bits.includes(config.activations)) &&
      (roles.weightInput === undefined || weight === undefined || weight.bits.includes(config.weights)),
  );
  if (!accepted)
    return { code: 'FLOAT_BITS', reason: `the table takes no W${config.weights}A${config.activations} here` };
  return { entry, nodes, anchor, config, ...roles };
}

function operandRoles(
  node: OpNode,
): { weightInput?: number; biasInput?: number; activationInputs: readonly number[] } | FloatReason {
  const known = WEIGHTED[node.opType];
  if (known === undefined) {
    const count = FIRST_INPUT_ONLY.has(node.opType) ? 1 : node.inputs.length;
    const activationInputs = [...Array(count).keys()].filter((index) => node.inputs[index] !== undefined);
    const moving = activationInputs.filter((index) => constantTensor(node.inputs[index]) === undefined);
    return moving.length === 0
      ? { code: 'FLOAT_CONSTANT', reason: 'all of its inputs are constants' }
      : { activationInputs };
  }
  if (
    node.is('Gemm') &&
    (node.attributes.float('alpha', 1) !== 1 || node.attributes.float('beta', 1) !== 1)
  ) {
    return { code: 'FLOAT_GEMM_SCALED', reason: 'its alpha or beta is not 1' };
  }
  const weight = constantTensor(node.inputs[known.weight]);
  if (weight === undefined) {
    if (node.is('MatMul')) return { activationInputs: [0, 1] };
    return { code: 'FLOAT_WEIGHT_NOT_CONSTANT', reason: 'its weights are computed, not constant' };
  }
  if (weight.dtype !== 'float') return { code: 'FLOAT_DTYPE', reason: `its weights are ${weight.dtype}` };
  const bias = known.bias === undefined ? undefined : constantTensor(node.inputs[known.bias]);
  const isVector =
    bias !== undefined &&
    bias.dtype === 'float' &&
    bias.dims.length === 1 &&
    !isBroadcast(node, weight, bias);
  return {
    weightInput: known.weight,
    activationInputs: [0],
    ...(isVector && known.bias !== undefined && { biasInput: known.bias }),
  };
}

/** True for a Gemm whose bias is one number for all outputs, while scales may be one for each. */
function isBroadcast(node: OpNode, weight: Tensor, bias: Tensor): boolean {
  const outputs = weight.dims[node.attributes.int('transB', 0) === 1 ? 0 : 1];
  return node.is('Gemm') && bias.dims[0] !== outputs;
}

/** The nodes of a chain that begins at `first`, each the only reader of the one before; undefined when it doesn't fit. */
function matchChain(first: OpNode, pattern: readonly string[]): OpNode[] | undefined {
  const nodes = [first];
  for (const opType of pattern.slice(1)) {
    const value = nodes.at(-1)!.outputs[0]!;
    const [use] = value.uses;
    if (value.uses.size !== 1 || use === undefined || use.index !== 0) return undefined;
    if (use.node.kind !== 'op' || !use.node.is(opType) || use.node.graph !== first.graph) return undefined;
    if (
      opType === 'Clip' &&
      use.node.inputs.slice(1).some((bound) => bound !== undefined && constantTensor(bound) === undefined)
    ) {
      return undefined;
    }
    nodes.push(use.node);
  }
  return nodes;
}

function entriesByFirst(backend: BackendConfig): Map<string, BackendPatternConfig[]> {
  const byFirst = new Map<string, BackendPatternConfig[]>();
  const longestFirst = backend.entries.toSorted((a, b) => b.pattern.length - a.pattern.length);
  for (const entry of longestFirst) {
    const first = entry.pattern[0]!;
    byFirst.set(first, [...(byFirst.get(first) ?? []), entry]);
  }
  return byFirst;
}

function withFirstLastBits(layers: readonly PlannedLayer[], backend: BackendConfig): PlannedLayer[] {
  const bits = backend.firstLastBits;
  const weighted = layers.filter((layer) => layer.weightInput !== undefined);
  if (bits === undefined || weighted.length === 0) return [...layers];
  const ends = new Set([weighted[0], weighted.at(-1)]);
  return layers.map((layer) =>
    ends.has(layer) ? { ...layer, config: { ...layer.config, weights: bits, activations: bits } } : layer,
  );
}

function bodiesOf(node: OpNode): OpNode[] {
  return [...node.attributes].flatMap(([, attr]) => graphsOf(attr).flatMap((body) => [...body.allOps()]));
}
