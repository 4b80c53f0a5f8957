import type { BackendConfig, BackendPatternConfig } from './backend-config.js';
import { patternName } from './expand-pattern.js';

/** What distinguishes two backends. */
export interface BackendDifference {
  /** Patterns that only one of them has. */
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
  /** Places at which entries of one pattern, or the tables themselves, differ. */
  readonly changed: readonly BackendChange[];
}

/** A value that differs; undefined where one of the two says nothing. */
export interface BackendChange {
  /** The pattern; empty for the table's own keys. */
  readonly pattern: string;
  /** The place, e.g. `dtypes[0].weight.bits`. */
  readonly key: string;
  readonly first: unknown;
  readonly second: unknown;
}

/** Compares two backends by what they accept; names, descriptions and evidence are left aside. */
export function diffBackends(a: BackendConfig, b: BackendConfig): BackendDifference {
  const [first, second] = [byPattern(a), byPattern(b)];
  const only = (of: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): string[] =>
    [...of.keys()].filter((name) => !other.has(name));
  const changed = [...first].flatMap(([name, entry]) =>
    second.has(name) ? changes(name, '', accepted(entry), accepted(second.get(name)!)) : [],
  );
  return {
    onlyFirst: only(first, second),
    onlySecond: only(second, first),
    changed: [...changes('', '', ownKeys(a), ownKeys(b)), ...changed],
  };
}

function byPattern({ entries }: BackendConfig): Map<string, BackendPatternConfig> {
  return new Map(entries.map((entry) => [patternName(entry.pattern), entry]));
}

function accepted({
  evidence: _e,
  source: _s,
  note: _n,
  pattern: _p,
  ...rest
}: BackendPatternConfig): object {
  return rest;
}

function ownKeys({ name: _n, description: _d, source: _s, entries: _e, ...rest }: BackendConfig): object {
  return rest;
}

function changes(pattern: string, key: string, first: unknown, second: unknown): BackendChange[] {
  if (JSON.stringify(first) === JSON.stringify(second)) return [];
  if (!isRecord(first) || !isRecord(second)) return [{ pattern, key, first, second }];
  const keys = new Set([...Object.keys(first), ...Object.keys(second)]);
  const isList = Array.isArray(first);
  return [...keys].flatMap((part) =>
    changes(
      pattern,
      isList ? `${key}[${part}]` : key === '' ? part : `${key}.${part}`,
      first[part],
      second[part],
    ),
  );
}

/** True for what is compared key by key: objects, and lists of objects. */
function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return !Array.isArray(value) || value.some((part) => typeof part === 'object');
}
