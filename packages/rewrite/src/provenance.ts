import { type GraphModule, type Node, nodeName, type OpNode } from '@bitwright/graph';

/** Where a node that a rule made comes from. */
export interface Provenance {
  /** The rule that made it last. */
  readonly rule: string;
  /** The operators of the model as it was captured, by the names they had, that it stands for. */
  readonly from: readonly string[];
}

/** What is noted: names, and the notes of what was itself made by a rule. Flattened only when asked for. */
export interface Note {
  readonly rule: string;
  readonly sources: readonly (string | Note)[];
  /** The most rules one after the other that led here. */
  readonly depth: number;
}

const KEY = 'provenance';

/** What a node made by a rule stands for; undefined for a node of the captured model. */
export function provenanceOf(node: Node): Provenance | undefined {
  const note = noteOf(node);
  return note && { rule: note.rule, from: [...sourceNames(note)] };
}

/** True for a node that a rule made. */
export function isMade(node: Node): boolean {
  return noteOf(node) !== undefined;
}

/**
 * Writes into the `metadata_props` of every node that a rule made which rule it was and which nodes of the captured model
 * it stands for (`bitwright.rule`, `bitwright.from`, the names as a JSON list), so that the saved model tells it.
 */
export function keepProvenance(module: GraphModule): void {
  for (const node of module.graph.allOps()) {
    const provenance = provenanceOf(node);
    if (provenance === undefined) continue;
    node.metadataProps.set('bitwright.rule', provenance.rule);
    node.metadataProps.set('bitwright.from', JSON.stringify(provenance.from));
  }
}

/** Notes on nodes which rule made them, and of which operators. */
export function setProvenance(made: readonly Node[], rule: string, of: readonly OpNode[]): Note {
  const sources = of.map((node) => noteOf(node) ?? nodeName(node));
  const depth =
    1 + sources.reduce((most, note) => Math.max(most, typeof note === 'string' ? 0 : note.depth), 0);
  const note: Note = { rule, sources, depth };
  for (const node of made) if (node.kind === 'op') node.meta.set(KEY, note);
  return note;
}

/**
 * The rules that undo each other on the way to a note: more of them than what there was to begin with can account for.
 * Undefined as long as it looks like progress; looks only now and then, since it costs time.
 */
export function undoingRules(note: Note): readonly string[] | undefined {
  if (note.depth < 64 || !Number.isInteger(Math.log2(note.depth))) return undefined;
  if (note.depth <= APPLICATIONS_A_NODE * sourceNames(note).size) return undefined;
  const rules = new Set<string>();
  let next: Note | undefined = note;
  for (let i = 0; i < LAST && next !== undefined; i++) {
    rules.add(next.rule);
    next = deepest(next);
  }
  return [...rules];
}

/** Rules may well be applied one after the other to the same nodes, but not more often than this to each. */
const APPLICATIONS_A_NODE = 16;

/** How far back the rules are named. */
const LAST = 20;

function deepest({ sources }: Note): Note | undefined {
  const notes = sources.filter((source) => typeof source !== 'string');
  return notes.reduce<Note | undefined>(
    (most, note) => (most && most.depth >= note.depth ? most : note),
    undefined,
  );
}

/** The names at the ends of a note, each once, in the order of its sources. */
function sourceNames(note: Note): Set<string> {
  const names = new Set<string>();
  const seen = new Set<Note>([note]);
  const rest: (string | Note)[] = [...note.sources].reverse();
  for (let source = rest.pop(); source !== undefined; source = rest.pop()) {
    if (typeof source === 'string') names.add(source);
    else if (!seen.has(source)) {
      seen.add(source);
      for (let i = source.sources.length - 1; i >= 0; i--) rest.push(source.sources[i]!);
    }
  }
  return names;
}

function noteOf(node: Node): Note | undefined {
  return node.hasMeta ? (node.meta.get(KEY) as Note | undefined) : undefined;
}
