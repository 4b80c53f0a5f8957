import { elementCount, type Tensor } from '@bitwright/core';
import type { Attribute, Graph, GraphModule, OpNode, Value } from '@bitwright/graph';

/** What was merged. */
export interface MergeReport {
  /** Initializers that others stand for now. */
  readonly constants: number;
  /** Operators that went, by name, and the operator that computes the same. */
  readonly operators: readonly { readonly node: string; readonly same: string }[];
}

/** Constants beyond this are not compared: reading every weight of a model would cost more than it saves. */
const MOST_ELEMENTS = 4096;

/** Layers whose parameters stay their own, so that each keeps its names and is rounded for itself. */
const LAYERS = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'BatchNormalization']);

/** Operators that give something else each time. */
const RANDOM = /^(Random|Bernoulli|Multinomial|Dropout)/;

/**
 * Merges equal small constants, and operators of the standard set that compute the same of the same inputs, in the graph and in
 * each body for itself. In place. What the graph returns keeps its maker; parameters of layers, random operators and operators
 * with bodies are left alone. Exact.
 */
export function mergeDuplicates(module: GraphModule): MergeReport {
  const operators: { node: string; same: string }[] = [];
  let constants = 0;
  for (const graph of graphsIn(module.graph)) {
    constants += mergeConstantsOf(graph);
    operators.push(...mergeOperatorsOf(graph));
  }
  return { constants, operators };
}

function graphsIn(graph: Graph): Graph[] {
  const graphs = [graph];
  for (const node of graph.allOps()) graphs.push(...node.subgraphs());
  return graphs;
}

function mergeConstantsOf(graph: Graph): number {
  const first = new Map<string, Value>();
  let merged = 0;
  for (const node of [...graph.nodes()]) {
    if (node.kind !== 'get_attr' || node.output.isReturned || isParameter(node.output)) continue;
    const key = tensorKey(node.tensor);
    if (key === undefined) continue;
    const kept = first.get(key);
    if (kept === undefined) {
      first.set(key, node.output);
      continue;
    }
    node.output.replaceAllUsesWith(kept);
    graph.eraseNode(node);
    merged++;
  }
  return merged;
}

function isParameter({ uses }: Value): boolean {
  for (const { node } of uses) if (node.kind === 'op' && LAYERS.has(node.opType)) return true;
  return false;
}

function mergeOperatorsOf(graph: Graph): { node: string; same: string }[] {
  const first = new Map<string, OpNode>();
  const ids = new Map<Value, number>();
  const merged: { node: string; same: string }[] = [];
  const idOf = (value: Value | undefined): number => {
    if (value === undefined) return -1;
    if (!ids.has(value)) ids.set(value, ids.size);
    return ids.get(value)!;
  };
  for (const node of [...graph.ops()]) {
    const attributes = isComparable(node) ? attributesKey(node) : undefined;
    if (attributes === undefined) continue;
    const key = `${node.opType} ${node.inputs.map(idOf).join()} ${node.outputs.map(({ name }) => Number(name !== '')).join('')} ${attributes}`;
    const kept = first.get(key);
    if (kept === undefined) {
      first.set(key, node);
      continue;
    }
    for (const [i, value] of node.outputs.entries()) value.replaceAllUsesWith(kept.outputs[i]!);
    merged.push({ node: node.displayName, same: kept.displayName });
    graph.eraseNode(node);
  }
  return merged;
}

function isComparable(node: OpNode): boolean {
  return (
    node.domain === '' &&
    !RANDOM.test(node.opType) &&
    node.inputs.length > 0 &&
    node.outputs.every((value) => !value.isReturned)
  );
}

/** Attributes as a text; undefined where one holds a tensor or a body. */
function attributesKey(node: OpNode): string | undefined {
  const parts: string[] = [];
  for (const [name, attribute] of node.attributes) {
    const text = attributeText(attribute);
    if (text === undefined) return undefined;
    parts.push(`${name}=${text}`);
  }
  return parts.sort().join(';');
}

function attributeText(attribute: Attribute): string | undefined {
  switch (attribute.type) {
    case 'float':
    case 'int':
    case 'string':
    case 'floats':
    case 'ints':
    case 'strings':
      return `${attribute.type}:${[attribute.value].flat().map(String).join('\u0000')}`;
    default:
      return undefined;
  }
}

/** A small tensor as a text that tells -0 from 0; undefined for large ones and for strings. */
function tensorKey(tensor: Tensor): string | undefined {
  if (elementCount(tensor.dims) > MOST_ELEMENTS || tensor.dtype === 'string') return undefined;
  const elements = Array.from(tensor.data() as ArrayLike<number | bigint>, (element) =>
    Object.is(element, -0) ? '-0' : String(element),
  );
  return `${tensor.dtype} [${tensor.dims.join()}] ${elements.join()}`;
}
