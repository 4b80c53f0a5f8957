import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ASSETS, temporaryFolder } from '../support/cli.js';

const folder = join(ASSETS ?? '', 'conformance');
const script = join(import.meta.dirname, 'check-models.mjs');

/** What became of one model: see check-models.mjs. */
interface Entry {
  readonly index: number;
  readonly began?: true;
  readonly outcome: string;
  readonly reason?: string;
  readonly class?: string;
  readonly rules?: readonly string[];
}

/** Unpacks an archive and checks every model of it, in children, so that one which ends its process costs no more than itself. */
function check(archive: string): { readonly models: readonly string[]; readonly entries: readonly Entry[] } {
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
    const { status } = spawnSync(process.execPath, [script, root, list, String(start), results], {
      stdio: 'ignore',
    });
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

function count(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** Prints the table, and gives what must not change when a rule is added. */
function verdict(name: string, archive: string) {
  const { models, entries } = check(archive);
  const loadable = entries.filter(({ outcome }) => outcome !== 'not loadable');
  const counts = count(loadable.map(({ outcome }) => outcome));
  const classes = count(loadable.flatMap((entry) => (entry.class === undefined ? [] : [entry.class])));
  const rules = count(entries.flatMap((entry) => entry.rules ?? []));
  const row = (label: string, facts: Record<string, number>): string =>
    `  ${label}: ${Object.entries(facts)
      .map(([key, value]) => `${key} ${value}`)
      .join(', ')}\n`;
  process.stdout.write(
    `${name}: ${loadable.length} loadable models under constant folding and every shipped rule\n` +
      row('outcomes', counts) +
      row('equal, by tolerance class', classes) +
      row('models that a rule changed', rules),
  );
  const wrong = entries.filter(({ outcome }) => ['failed', 'different', 'crashed'].includes(outcome));
  const { equal = 0, unchanged = 0 } = counts;
  return {
    complete: entries.length === models.length,
    loadable: loadable.length,
    same: equal + unchanged,
    wrong: wrong.map(({ index, outcome, reason }) => `${models[index]} ${outcome}: ${reason}`),
  };
}

/**
 * Every model that the runtime loads computes the same before and after, at optimization level `basic` on both sides, within
 * the tolerance of the loosest class among its operators (see compare.mjs). The others, by what stands in the way:
 *
 * - not fed: an input is a sequence or an optional value, which the runtime's Node binding cannot be given
 * - fails alike: the model fails on its own inputs, or on every seeded one, before and after
 * - random: it draws random numbers
 * - refused by capture: a value has two makers, which the runtime forgives
 */
describe.skipIf(!existsSync(folder))('all shipped rules leave every output as it was', () => {
  it.each([
    { name: 'ONNX backend tests', archive: 'onnx-backend.tar.xz', loadable: 1646, least: 1630 },
    { name: 'ONNX Runtime test models', archive: 'ort-testdata.tar.xz', loadable: 709, least: 680 },
  ])('$name', ({ name, archive, loadable, least }) => {
    const found = verdict(name, archive);
    expect(found).toMatchObject({ complete: true, loadable, wrong: [] });
    expect(found.same).toBeGreaterThanOrEqual(least);
  });
});
