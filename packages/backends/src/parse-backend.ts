import { BitwrightError, describeThrown } from '@bitwright/core';
import { type DocumentNode, evaluate, parse, type ValueNode } from '@humanwhocodes/momoa';
import type { BackendTable } from './backend-config.js';
import {
  type BackendFinding,
  type CheckBackendOptions,
  checkBackend,
  error,
  spell,
} from './check-backend.js';

/** A table that was read from JSON, with what is wrong with it. */
export interface ParsedBackend {
  /** Whatever the text holds; a {@link BackendTable} where no finding is an error. */
  readonly value: unknown;
  readonly findings: readonly BackendFinding[];
}

/** Reads a table from JSON text (comments are allowed) and proves it well-formed, with line and column of each finding. */
export function parseBackend(text: string, options: CheckBackendOptions = {}): ParsedBackend {
  let tree: DocumentNode;
  try {
    tree = parse(text, { mode: 'jsonc' });
  } catch (thrown) {
    return { value: undefined, findings: [syntaxFinding(thrown)] };
  }
  const value: unknown = evaluate(tree);
  const findings = [...repeatedKeys(tree.body, []), ...checkBackend(value, options)];
  const placed = findings.map((finding) => ({ ...finding, ...placeOf(tree.body, finding.path) }));
  return { value, findings: placed.toSorted((a, b) => a.line - b.line || a.column - b.column) };
}

/**
 * The table where nothing is wrong with it.
 *
 * @throws BACKEND_INVALID naming the file, the line and the first error, and how many there are.
 */
export function assertBackend({ value, findings }: ParsedBackend, file: string): BackendTable {
  const errors = findings.filter((finding) => finding.severity === 'error');
  // a mistyped key often is the one that is missed elsewhere
  const first = errors.find(({ code }) => code === 'BACKEND_KEY_UNKNOWN') ?? errors[0];
  if (first === undefined) return value as BackendTable;
  const where = first.line === undefined ? spell(first.path) : `line ${first.line}`;
  const more = errors.length === 1 ? '' : ` There are ${errors.length - 1} more errors.`;
  throw new BitwrightError({
    code: 'BACKEND_INVALID',
    message: `The backend table '${file}' can't be used, ${where}: ${first.code}: ${first.message}${more}`,
    hint: `${first.hint} bitwright backends check ${file} lists all.`,
    at: { file },
    kind: 'input',
  });
}

/** The error of a table file that can't be read at all. */
export function unreadableBackend(file: string, thrown: unknown): BitwrightError {
  return new BitwrightError({
    code: 'BACKEND_INVALID',
    message: `The backend table '${file}' can't be read: ${describeThrown(thrown)}.`,
    hint: 'It must be JSON, or a module whose default export is a table.',
    at: { file },
    cause: thrown,
  });
}

function syntaxFinding(thrown: unknown): BackendFinding {
  const { line = 1, column = 1 } = thrown as { line?: number; column?: number };
  const why = describeThrown(thrown).replace(/ found\. \(\d+:\d+\)$/, '');
  return {
    ...error('BACKEND_SYNTAX', [], `The file is not JSON: ${why}.`, 'Correct this place.'),
    line,
    column,
  };
}

/** The place of a path in the file, or of the nearest part of it that the file has; of a key, the key's. */
function placeOf(root: ValueNode, path: readonly (string | number)[]): { line: number; column: number } {
  let { start } = root.loc;
  let node = root;
  for (const part of path) {
    const inner = childAt(node, part);
    if (inner === undefined) break;
    start = inner.start;
    node = inner.node;
  }
  return { line: start.line, column: start.column };
}

function childAt(
  node: ValueNode,
  part: string | number,
): { readonly node: ValueNode; readonly start: ValueNode['loc']['start'] } | undefined {
  if (node.type === 'Object') {
    // the last of a key that stands twice: that is the one that counts, and the one to complain of
    const member = node.members.findLast(({ name }) => keyOf(name) === part);
    return member && { node: member.value, start: member.loc.start };
  }
  const element = node.type === 'Array' ? node.elements[Number(part)] : undefined;
  return element && { node: element.value, start: element.value.loc.start };
}

function repeatedKeys(node: ValueNode, path: readonly (string | number)[]): BackendFinding[] {
  if (node.type === 'Array')
    return node.elements.flatMap(({ value }, index) => repeatedKeys(value, [...path, index]));
  if (node.type !== 'Object') return [];
  const keys = node.members.map(({ name }) => keyOf(name));
  return node.members.flatMap(({ value }, index) => {
    const key = keys[index]!;
    const inner = repeatedKeys(value, [...path, key]);
    if (keys.indexOf(key) === index) return inner;
    const message = `The key '${key}' stands twice at '${spell(path)}'.`;
    return [error('BACKEND_KEY_TWICE', [...path, key], message, 'Keep one of the two.'), ...inner];
  });
}

function keyOf(name: { readonly type: string; readonly value?: unknown; readonly name?: string }): string {
  return String(name.type === 'Identifier' ? name.name : name.value);
}
