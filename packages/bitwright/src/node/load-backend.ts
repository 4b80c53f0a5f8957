import { dirname, resolve } from 'node:path';
import {
  BACKENDS,
  type BackendConfig,
  type BackendTable,
  findBackend,
  findTable,
  loadBackendChecker,
  type ParsedBackend,
  resolveBackend,
} from '@bitwright/backends';
import { BitwrightError } from '@bitwright/core';
import { readFileBytes } from '@bitwright/core/node';

/** True for a `--backend` that names a file instead of a table that ships. */
export function isBackendFile(name: string): boolean {
  return /\.(jsonc?|[cm]?[jt]s)$/.test(name);
}

/**
 * The backend that a user means: a name, a file (JSON, or a module with a default export), or a table.
 *
 * @param extra tables beside those that ship, e.g. of plugins.
 * @throws BACKEND_UNKNOWN (wrong usage) for a name; BACKEND_INVALID with file and line, or BACKEND_EXTENDS_CYCLE.
 */
export async function loadBackend(
  backend: string | BackendTable,
  extra: readonly BackendTable[] = [],
): Promise<BackendConfig> {
  if (typeof backend === 'string' && !isBackendFile(backend)) {
    const find = (name: string): BackendTable => findTable(name, extra);
    return resolveBackend(find(backend), find);
  }
  if (typeof backend === 'string') return loadFile(resolve(backend), extra, []);
  if (isShipped(backend)) return findBackend(backend.name);
  const { assertBackend, checkBackend } = await loadBackendChecker();
  const others = extra.filter((table) => table !== backend);
  const findings = checkBackend(backend, { extra: others });
  const table = assertBackend({ value: backend, findings }, `table '${backend.name}'`);
  return resolveBackend(table, (name) => findTable(name, others));
}

/** True for a table that ships, as it is written or resolved. */
function isShipped(backend: BackendTable): boolean {
  const shipped = BACKENDS.find(({ name }) => name === backend.name);
  if (shipped === undefined || shipped === backend) return shipped === backend;
  return JSON.stringify(findBackend(shipped.name)) === JSON.stringify(backend);
}

/** What is in a table's file and what is wrong with it, its base included. */
export async function checkBackendFile(
  path: string,
  extra: readonly BackendTable[] = [],
): Promise<ParsedBackend & { readonly tables: readonly BackendTable[] }> {
  return checkFile(resolve(path), extra, []);
}

async function loadFile(
  path: string,
  extra: readonly BackendTable[],
  above: readonly string[],
): Promise<BackendConfig> {
  const { assertBackend } = await loadBackendChecker();
  const { tables, ...parsed } = await checkFile(path, extra, above);
  const table = assertBackend(parsed, path);
  return resolveBackend(table, (name) => findTable(name, tables));
}

async function checkFile(
  path: string,
  extra: readonly BackendTable[],
  above: readonly string[],
): Promise<ParsedBackend & { readonly tables: readonly BackendTable[] }> {
  const checker = await loadBackendChecker();
  if (above.includes(path)) throw cycle([...above, path]);
  const text = new TextDecoder().decode(readFileBytes(path));
  const isJson = /\.jsonc?$/.test(path);
  const raw: unknown = isJson ? checker.parseBackend(text).value : await importDefault(path);
  const tables = [...extra, ...(await baseOf(raw, path, extra, above))];
  if (isJson) return { ...checker.parseBackend(text, { extra: tables }), tables };
  return { value: raw, findings: checker.checkBackend(raw, { extra: tables }), tables };
}

/** The base that stands in a file of its own, under the name by which `extends` calls it. */
async function baseOf(
  raw: unknown,
  path: string,
  extra: readonly BackendTable[],
  above: readonly string[],
): Promise<BackendTable[]> {
  const name = (raw as Partial<BackendTable> | undefined | null)?.extends;
  if (typeof name !== 'string' || !isBackendFile(name)) return [];
  const base = await loadFile(resolve(dirname(path), name), extra, [...above, path]);
  return [{ ...base, name }];
}

async function importDefault(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  try {
    return await createJiti(import.meta.url).import(path, { default: true });
  } catch (thrown) {
    const { unreadableBackend } = await loadBackendChecker();
    throw unreadableBackend(path, thrown);
  }
}

function cycle(paths: readonly string[]): BitwrightError {
  return new BitwrightError({
    code: 'BACKEND_EXTENDS_CYCLE',
    message: `The tables extend each other in a circle: ${paths.join(' -> ')}.`,
    hint: 'Let one of them stand by itself, or extend a table that ships.',
    at: { file: paths[0]! },
  });
}
