import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ASSETS, temporaryFolder } from '../support/cli.js';

/** Where the archives lie. */
export const folder = join(ASSETS ?? '', 'conformance');
/** What became of one model: see check-models.mjs and check-lift.mjs. */
export interface Entry {
  readonly index: number;
  readonly began?: true;
  readonly outcome: string;
  readonly reason?: string;
  readonly class?: string;
  readonly rules?: readonly string[];
  readonly dialect?: string;
  /** Codes of what a lift left as it was. */
  readonly reasons?: readonly string[];
}

/** Unpacks an archive and checks every model of it, in children, so that one which ends its process costs no more than itself. */
export function checkArchive(
  archive: string,
  script: string,
): { readonly models: readonly string[]; readonly entries: readonly Entry[] } {
  const root = temporaryFolder();
  execFileSync('tar', ['-xJf', join(folder, archive), '-C', root]);
  const models = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.onnx'))
    .sort();
  const [list, results] = [join(root, 'models.txt'), join(root, 'results.jsonl')];
  writeFileSync(list, models.join('\n'));
  writeFileSync(results, '');
  const entries: Entry[] = [];
  for (let start = 0; start < models.length; ) {
    const { status } = spawnSync(
      process.execPath,
      [join(import.meta.dirname, script), root, list, String(start), results],
      {
        stdio: 'ignore',
      },
    );
    const lines = readFileSync(results, 'utf8').trim().split('\n');
    const read = lines.map((line) => JSON.parse(line) as Entry);
    entries.length = 0;
    entries.push(...read.filter(({ began }) => began === undefined));
    const last = read.at(-1)!;
    if (status === 0) break;
    writeFileSync(
      results,
      `${lines.join('\n')}\n${JSON.stringify({ index: last.index, outcome: 'crashed' })}\n`,
    );
    start = last.index + 1;
  }
  return { models, entries };
}

/** How often each value occurs. */
export function count(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
