import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkArchive, count, folder } from './check-archive.js';

/** Prints the table, and gives what must not change when a rule is added. */
function verdict(name: string, archive: string) {
  const { models, entries } = checkArchive(archive, 'check-models.mjs');
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
    { name: 'ONNX Runtime test models', archive: 'ort-testdata.tar.xz', loadable: 709, least: 670 },
  ])(
    '$name',
    ({ name, archive, loadable, least }) => {
      const found = verdict(name, archive);
      expect(found).toMatchObject({ complete: true, loadable, wrong: [] });
      expect(found.same).toBeGreaterThanOrEqual(least);
    },
    300_000,
  );
});
