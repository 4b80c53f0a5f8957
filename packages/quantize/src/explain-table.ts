import type { BackendConfig, BackendPatternConfig } from '@bitwright/backends';
import { constantTensor, type Node, nodeName, type OpNode, type Value } from '@bitwright/graph';
import type { LayerPlan } from './layer-plan.js';
import type { FloatReason } from './operand-roles.js';

/** What became of one entry of a backend table at an operator. */
export interface EntryExplanation {
  /** The entry's operators: `Conv+Relu`. */
  readonly pattern: string;
  /** `claims`: the operator is quantized as this entry says. `shadowed`: an entry that comes first claims it. */
  readonly outcome: 'claims' | 'shadowed' | 'refused' | 'no-match';
  /** How many operators of the chain fitted. */
  readonly depth: number;
  /** The first condition that failed. */
  readonly failed?: {
    readonly node: string;
    readonly value?: string;
    readonly needed: string;
    readonly found: string;
  };
  /** Why operators that the entry fits stay float all the same, or which entry came first. */
  readonly refusal?: FloatReason;
}

/** Says of every entry of a table with an operator of this type whether it fits there, and what stopped it. Edits nothing. */
export function explainTable(node: OpNode, backend: BackendConfig, plan: LayerPlan): EntryExplanation[] {
  return backend.entries
    .filter(({ pattern }) => pattern.some((opType) => node.is(opType)))
    .map((entry) => explainEntry(node, entry, plan));
}

type Attempt = Pick<EntryExplanation, 'depth' | 'failed'> & { readonly chain: readonly OpNode[] };

function explainEntry(node: OpNode, entry: BackendPatternConfig, plan: LayerPlan): EntryExplanation {
  const { pattern } = entry;
  const places = [...pattern.keys()].filter((place) => node.is(pattern[place]!));
  const attempts = places.map((place) => attempt(node, place, pattern));
  const best = attempts.reduce((most, next) => (next.depth > most.depth ? next : most));
  const name = pattern.join('+');
  if (best.failed !== undefined)
    return { pattern: name, outcome: 'no-match', depth: best.depth, failed: best.failed };
  const layer = plan.layers.find(({ nodes }) => nodes.includes(node));
  if (layer?.entry === entry) return { pattern: name, outcome: 'claims', depth: best.depth };
  const [first] = best.chain;
  const refusal =
    layer === undefined
      ? ((first && plan.float.get(first)) ?? plan.float.get(node))
      : { code: 'ENTRY_SHADOWED', reason: `the entry ${layer.entry.pattern.join('+')} claims it first` };
  const outcome = layer === undefined ? 'refused' : 'shadowed';
  return { pattern: name, outcome, depth: best.depth, ...(refusal && { refusal }) };
}

/** Lays a chain over the graph so that a node stands at one of its places. */
function attempt(node: OpNode, place: number, pattern: readonly string[]): Attempt {
  const chain = [node];
  for (let at = place - 1; at >= 0; at--) {
    const reader = chain[0]!;
    const value = reader.inputs[0];
    const producer = value?.producer;
    if (producer?.kind !== 'op' || !producer.is(pattern[at]!) || value?.index !== 0)
      return stopped(chain, reader, value, `${pattern[at]} before it`, makerOf(value));
    chain.unshift(producer);
  }
  for (const [at, member] of chain.entries()) {
    if (at + 1 === pattern.length) break;
    const value = member.outputs[0]!;
    const next = nextInChain(member, value, pattern[at + 1]!);
    if ('found' in next) return stopped(chain, member, value, next.needed, next.found);
    if (at + 1 === chain.length) chain.push(next.node);
  }
  return { chain, depth: chain.length };
}

function nextInChain(
  member: OpNode,
  value: Value,
  opType: string,
): { readonly node: OpNode } | { readonly needed: string; readonly found: string } {
  const readers = [...value.uses];
  const [use] = readers;
  const needed = `${opType} as the only reader of '${value.name}'`;
  if (readers.length !== 1 || use === undefined)
    return {
      needed,
      found: readers.length === 0 ? 'no reader' : readers.map(({ node }) => readerOf(node)).join(', '),
    };
  const { node, index } = use;
  if (node.kind !== 'op' || !node.is(opType) || node.graph !== member.graph)
    return { needed, found: readerOf(node) };
  if (index !== 0)
    return { needed: `'${value.name}' as the first input of ${opType}`, found: `input ${index}` };
  const bound = opType === 'Clip' ? node.inputs.slice(1).find(isComputed) : undefined;
  if (bound !== undefined) return { needed: 'constant bounds of Clip', found: `'${bound.name}' is computed` };
  return { node };
}

function isComputed(value: Value | undefined): value is Value {
  return value !== undefined && constantTensor(value) === undefined;
}

function stopped(
  chain: readonly OpNode[],
  node: OpNode,
  value: Value | undefined,
  needed: string,
  found: string,
): Attempt {
  const failed = { node: node.displayName, ...(value && { value: value.name }), needed, found };
  return { chain, depth: chain.length, failed };
}

function makerOf(value: Value | undefined): string {
  if (value === undefined) return 'an input that is left out';
  const { producer } = value;
  if (producer.kind === 'op') return `${producer.opType} '${nodeName(producer)}'`;
  return producer.kind === 'get_attr'
    ? `the constant '${value.name}'`
    : `the input '${value.name}' of the graph`;
}

function readerOf(node: Node): string {
  return node.kind === 'op' ? `${node.opType} '${nodeName(node)}'` : 'an output of the graph';
}
