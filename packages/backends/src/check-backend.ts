import { BitwrightError, didYouMean } from '@bitwright/core';
import type { BackendTable } from './backend-config.js';
import { schemaIssues } from './backend-schema.js';
import { checkConstraints } from './check-constraints.js';
import { checkPatterns } from './check-patterns.js';
import { BACKENDS, findTable } from './registry.js';
import { resolveBackend } from './resolve-backend.js';

/** Something that is wrong, or suspicious, in a table. */
export interface BackendFinding {
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly hint: string;
  /** Keys and indices from the table's top to the place. */
  readonly path: readonly (string | number)[];
  /** The place in the file, from 1; absent for a table that is not read from JSON. */
  readonly line?: number;
  readonly column?: number;
}

/** What a table is checked against. */
export interface CheckBackendOptions {
  /** Names of operators outside the standard set that patterns may name. */
  readonly operators?: readonly string[];
  /** Tables beside those that ship, for `extends`. */
  readonly extra?: readonly BackendTable[];
}

/**
 * Proves a table well-formed: its keys and values, operators, presets, base, that every entry can be reached, and that its
 * scale constraints can be met. Never throws; an empty list means that the table can be used.
 */
export function checkBackend(value: unknown, options: CheckBackendOptions = {}): BackendFinding[] {
  const functions = findFunctions(value, []);
  if (functions.length > 0) return functions;
  const issues = schemaIssues(value);
  if (issues.length > 0)
    return issues.map(({ path, message, unknownKey, knownKeys }) =>
      unknownKey === undefined
        ? error('BACKEND_VALUE', path, `At '${spell(path)}': ${message}.`, 'Correct this value.')
        : error(
            'BACKEND_KEY_UNKNOWN',
            [...path, unknownKey],
            `There is no key '${unknownKey}' at '${spell(path)}'.`,
            didYouMean(unknownKey, knownKeys ?? []),
          ),
    );
  const table = value as BackendTable;
  return [
    ...checkName(table),
    ...checkBase(table, options.extra ?? []),
    ...checkPresets(table),
    ...checkPatterns(table, options),
    ...checkConstraints(table),
  ];
}

/** One finding of severity error. */
export function error(
  code: string,
  path: readonly (string | number)[],
  message: string,
  hint: string,
): BackendFinding {
  return { code, severity: 'error', message, hint, path };
}

/** How messages spell a place: `entries[2].pattern`. */
export function spell(path: readonly (string | number)[]): string {
  return path.length === 0
    ? 'the top'
    : path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`)).join('');
}

function findFunctions(value: unknown, path: readonly (string | number)[]): BackendFinding[] {
  if (typeof value === 'function')
    return [
      error(
        'BACKEND_FUNCTION',
        path,
        `The table holds a function at '${spell(path)}'.`,
        'A table is data, equal in JSON: write a value. What needs code is a rule of a plugin.',
      ),
    ];
  if (Array.isArray(value)) return value.flatMap((part, index) => findFunctions(part, [...path, index]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => findFunctions(part, [...path, key]));
}

function checkName({ name }: BackendTable): BackendFinding[] {
  if (!BACKENDS.some((table) => table.name === name)) return [];
  return [
    error(
      'BACKEND_NAME_TAKEN',
      ['name'],
      `A table that ships is called '${name}' already.`,
      `Give it a name of its own, and let it extend '${name}' where it should start from that.`,
    ),
  ];
}

function checkBase(table: BackendTable, extra: readonly BackendTable[]): BackendFinding[] {
  if (table.extends === undefined) {
    if (table.remove === undefined) return [];
    return [
      error(
        'BACKEND_REMOVE_UNMATCHED',
        ['remove'],
        'The table removes entries of a base, and extends none.',
        "Name the base with 'extends', or leave 'remove' out.",
      ),
    ];
  }
  try {
    // presets are checked by themselves, with their places
    const bare = { ...table, entries: [] };
    resolveBackend(bare, (name) => findTable(name, extra));
    return [];
  } catch (thrown) {
    if (!(thrown instanceof BitwrightError)) throw thrown;
    const path = thrown.code === 'BACKEND_REMOVE_UNMATCHED' ? ['remove'] : ['extends'];
    return [error(thrown.code, path, thrown.message, thrown.hint)];
  }
}

function checkPresets(table: BackendTable): BackendFinding[] {
  const names = Object.keys(table.presets ?? {});
  const used = new Set<string>();
  const unknown: BackendFinding[] = [];
  for (const [index, entry] of table.entries.entries()) {
    for (const [place, dtype] of entry.dtypes.entries()) {
      if (typeof dtype !== 'string') continue;
      used.add(dtype);
      if (names.includes(dtype)) continue;
      unknown.push(
        error(
          'BACKEND_PRESET_UNKNOWN',
          ['entries', index, 'dtypes', place],
          `There is no preset '${dtype}'.`,
          didYouMean(dtype, names),
        ),
      );
    }
  }
  const unused = names
    .filter((name) => !used.has(name))
    .map(
      (name): BackendFinding => ({
        code: 'BACKEND_PRESET_UNUSED',
        severity: 'warning',
        message: `No entry uses the preset '${name}'.`,
        hint: 'Use it, or take it out.',
        path: ['presets', name],
      }),
    );
  return [...unknown, ...unused];
}
