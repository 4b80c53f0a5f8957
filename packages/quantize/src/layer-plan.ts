import type { BackendConfig, BackendPatternConfig } from '@bitwright/backends';
import type { Graph, OpNode, Value } from '@bitwright/graph';
import { constantTensor, graphsOf } from '@bitwright/graph';
import { nearestOperator, opArities } from '@bitwright/rewrite';
import { inferDtypes } from './dtypes.js';
import { chooseDType, type LayerChoice } from './layer-config.js';
import { type FloatReason, type OperandRoles, operandRoles, operatorName } from './operand-roles.js';
import type { QConfig, QConfigResolver } from './qconfig.js';

/** A group of nodes that one table entry claims, e.g. Conv and the Relu behind it. */
export interface PlannedLayer extends OperandRoles, LayerChoice {
  readonly entry: BackendPatternConfig;
  readonly nodes: readonly OpNode[];
  readonly anchor: OpNode;
  /** What was asked for this layer. */
  readonly requested: QConfig;
}

/** What becomes of every operator node. */
export interface LayerPlan {
  readonly layers: readonly PlannedLayer[];
  readonly float: ReadonlyMap<OpNode, FloatReason>;
}

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
    const outcome = planNode(node, entries.get(operatorName(node)) ?? [], resolver, (value) =>
      dtypes.get(value),
    );
    if ('code' in outcome) {
      float.set(node, outcome);
      for (const inner of bodiesOf(node))
        float.set(inner, { code: 'FLOAT_IN_BODY', reason: 'it stands in the body of an If, Loop or Scan' });
      continue;
    }
    for (const member of outcome.nodes) claimed.add(member);
    layers.push(outcome);
  }
  return { layers: withFirstLastBits(layers, backend, float), float };
}

function planNode(
  node: OpNode,
  entries: readonly BackendPatternConfig[],
  resolver: QConfigResolver,
  dtypeOf: (value: Value) => string | undefined,
): PlannedLayer | FloatReason {
  const config = resolver.forNode(node);
  if (config === undefined) return { code: 'FLOAT_KEPT', reason: 'it was asked to stay float' };
  if (entries.length === 0) {
    return node.is('BatchNormalization')
      ? { code: 'FLOAT_BATCH_NORM', reason: 'it could not be folded into a convolution' }
      : { code: 'FLOAT_NO_PATTERN', reason: noPattern(node) };
  }
  const dtype = node.inputs[0] === undefined ? undefined : dtypeOf(node.inputs[0]);
  if (dtype !== undefined && dtype !== 'float')
    return { code: 'FLOAT_DTYPE', reason: `it works on ${dtype} values` };
  let refused: FloatReason | undefined;
  for (const entry of entries) {
    const nodes = matchChain(node, entry.pattern);
    if (nodes === undefined || nodes.slice(1).some((member) => resolver.forNode(member) === undefined))
      continue;
    const planned = planLayer(entry, nodes, config);
    // a shorter pattern may take widths that a longer one does not
    if (!('code' in planned) || planned.code !== 'FLOAT_BITS') return planned;
    refused ??= planned;
  }
  return refused ?? { code: 'FLOAT_NO_PATTERN', reason: 'no pattern of the backend table fits here' };
}

function noPattern(node: OpNode): string {
  const { domain, opType } = node;
  if (domain !== '')
    return `no pattern of the backend table begins with ${operatorName(node)}, which is not of the standard set`;
  if (opArities().has(opType)) return 'no pattern of the backend table begins with it';
  const meant = nearestOperator(opType);
  return `ONNX has no operator ${opType}${meant === undefined ? '' : `: did you mean ${meant}?`}`;
}

function planLayer(
  entry: BackendPatternConfig,
  nodes: readonly OpNode[],
  requested: QConfig,
): PlannedLayer | FloatReason {
  const anchor = nodes[entry.pattern.indexOf(entry.anchor)]!;
  const roles = operandRoles(anchor);
  if ('code' in roles) return roles;
  const choice = chooseDType(entry, anchor, roles, requested);
  return 'code' in choice ? choice : { entry, nodes, anchor, requested, ...choice, ...roles };
}

/** The nodes of a chain that begins at `first`, each the only reader of the one before; undefined when it doesn't fit. */
function matchChain(first: OpNode, pattern: readonly string[]): OpNode[] | undefined {
  const nodes = [first];
  for (const opType of pattern.slice(1)) {
    const value = nodes.at(-1)!.outputs[0]!;
    const [use] = value.uses;
    if (value.uses.size !== 1 || use === undefined || use.index !== 0) return undefined;
    if (use.node.kind !== 'op' || operatorName(use.node) !== opType || use.node.graph !== first.graph)
      return undefined;
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

/** Gives the first and the last layer with weights the table's own widths; one that the table does not take there stays float. */
function withFirstLastBits(
  layers: readonly PlannedLayer[],
  backend: BackendConfig,
  float: Map<OpNode, FloatReason>,
): PlannedLayer[] {
  const bits = backend.firstLastBits;
  const weighted = layers.filter((layer) => layer.weightInput !== undefined);
  if (bits === undefined || weighted.length === 0) return [...layers];
  const ends = new Set([weighted[0], weighted.at(-1)]);
  return layers.flatMap((layer) => {
    if (!ends.has(layer)) return [layer];
    const asked = { ...layer.requested, weights: bits, activations: bits };
    const planned = planLayer(layer.entry, layer.nodes, asked);
    if (!('code' in planned)) return [planned];
    for (const node of layer.nodes) float.set(node, planned);
    return [];
  });
}

function bodiesOf(node: OpNode): OpNode[] {
  return [...node.attributes].flatMap(([, attr]) => graphsOf(attr).flatMap((body) => [...body.allOps()]));
}
