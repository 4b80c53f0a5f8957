import { type Node, nodeName, type OpNode } from '@bitwright/graph';

/** Where a node that a rule made comes from. */
export interface Provenance {
  /** The rule that made it last. */
  readonly rule: string;
  /** The operators of the model as it was captured, by the names they had, that it stands for. */
  readonly from: readonly string[];
}

const KEY = 'provenance';

/** What a node made by a rule stands for; undefined for a node of the captured model. */
export function provenanceOf(node: Node): Provenance | undefined {
  return node.meta.get(KEY) as Provenance | undefined;
}

/** The provenance of what a rule makes of some operators. */
export function provenanceFrom(rule: string, nodes: readonly OpNode[]): Provenance {
  const from = new Set(nodes.flatMap((node) => provenanceOf(node)?.from ?? [nodeName(node)]));
  return { rule, from: [...from] };
}

/** Notes on a node what it stands for. */
export function setProvenance(node: Node, provenance: Provenance): void {
  node.meta.set(KEY, provenance);
}
