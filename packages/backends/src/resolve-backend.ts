import { BitwrightError, didYouMean } from '@bitwright/core';
import type {
  BackendConfig,
  BackendPatternConfig,
  BackendTable,
  BackendTableEntry,
  DTypeConfig,
} from './backend-config.js';
import { deepFreeze } from './define-backend.js';
import { expandPattern, patternName } from './expand-pattern.js';

/**
 * A table as the compiler uses it: presets and alternatives are put in, and so is the base that it extends. Precedence: a
 * table's own entry replaces the base's entry of the same pattern, `remove` takes entries of the base away, and a table's
 * own keys win over the base's; own entries come first.
 *
 * @param find the table of a name.
 * @throws BACKEND_EXTENDS_CYCLE naming the way round, BACKEND_REMOVE_UNMATCHED, BACKEND_PRESET_UNKNOWN, and whatever `find` throws.
 */
export function resolveBackend(
  table: BackendTable,
  find: (name: string) => BackendTable,
  path: readonly string[] = [],
): BackendConfig {
  if (path.includes(table.name)) throw cycle([...path, table.name]);
  const { extends: baseName, remove = [], presets, entries, $schema: _schema, ...own } = table;
  const named = { ...presets };
  const ownEntries = entries.flatMap((entry) => expandEntry(entry, named, table));
  if (baseName === undefined) return deepFreeze({ ...own, entries: ownEntries });
  const base = resolveBackend(find(baseName), find, [...path, table.name]);
  const removed = removedPatterns(remove, base, table.name);
  const replaced = new Set([...ownEntries.map((entry) => patternName(entry.pattern)), ...removed]);
  const kept = base.entries.filter((entry) => !replaced.has(patternName(entry.pattern)));
  return deepFreeze({ ...base, ...own, entries: [...ownEntries, ...kept] });
}

function expandEntry(
  entry: BackendTableEntry,
  presets: Readonly<Record<string, DTypeConfig>>,
  table: BackendTable,
): BackendPatternConfig[] {
  const { pattern, anchor, observation, dtypes, ...rest } = entry;
  const combinations = dtypes.map((dtype) =>
    typeof dtype === 'string' ? presetOf(dtype, presets, table.name) : dtype,
  );
  const source = rest.source ?? (rest.evidence === 'cited' ? table.source : undefined);
  return expandPattern(pattern).map((plain) => ({
    pattern: plain,
    anchor: anchor ?? plain[0]!,
    observation: observation ?? 'OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT',
    dtypes: combinations,
    ...rest,
    ...(source !== undefined && { source }),
  }));
}

function presetOf(name: string, presets: Readonly<Record<string, DTypeConfig>>, table: string): DTypeConfig {
  const found = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (found !== undefined) return found;
  throw new BitwrightError({
    code: 'BACKEND_PRESET_UNKNOWN',
    message: `The table '${table}' has no preset '${name}'.`,
    hint: didYouMean(name, Object.keys(presets)),
  });
}

function removedPatterns(
  remove: NonNullable<BackendTable['remove']>,
  base: BackendConfig,
  table: string,
): string[] {
  const known = base.entries.map((entry) => patternName(entry.pattern));
  const names = remove.flatMap(expandPattern).map(patternName);
  for (const name of names) {
    if (known.includes(name)) continue;
    throw new BitwrightError({
      code: 'BACKEND_REMOVE_UNMATCHED',
      message: `The table '${table}' removes '${name}', which its base '${base.name}' does not have.`,
      hint: didYouMean(name, known),
    });
  }
  return names;
}

function cycle(path: readonly string[]): BitwrightError {
  return new BitwrightError({
    code: 'BACKEND_EXTENDS_CYCLE',
    message: `The tables extend each other in a circle: ${path.join(' -> ')}.`,
    hint: 'Let one of them stand by itself, or extend a table that ships.',
  });
}
