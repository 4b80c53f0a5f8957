import { type Node, nodeName, type OpNode } from '@bitwright/graph';

/** Where a node that a rule made comes from. */
export interface Provenance {
  /** The rule that made it last. */
  readonly rule: string;
  /** The operators of the model as it was captured, by the names they had, that it stands for. */
  readonly from: readonly string[];
}

/** What is noted: names, and the notes of what was itself made by a rule. Flattened only when asked for. */
interface Note {
  readonly rule: string;
  readonly sources: readonly (string | Note)[];
}

const KEY = 'provenance';

/** What a node made by a rule stands for; undefined for a node of the captured model. */
export function provenanceOf(node: Node): Provenance | undefined {
  const note = noteOf(node);
  if (note === undefined) return undefined;
  const from = new Set<string>();
  const rest: (string | Note)[] = [...note.sources].reverse();
  for (let source = rest.pop(); source !== undefined; source = rest.pop()) {
    if (typeof source === 'string') from.add(source);
    else for (let i = source.sources.length - 1; i >= 0; i--) rest.push(source.sources[i]!);
  }
  return { rule: note.rule, from: [...from] };
}

/** Notes on nodes which rule made them, and of which operators. */
export function setProvenance(made: readonly Node[], rule: string, of: readonly OpNode[]): void {
  const note: Note = { rule, sources: of.map((node) => noteOf(node) ?? nodeName(node)) };
  for (const node of made) if (node.kind === 'op') node.meta.set(KEY, note);
}

function noteOf(node: Node): Note | undefined {
  return node.meta.get(KEY) as Note | undefined;
}
