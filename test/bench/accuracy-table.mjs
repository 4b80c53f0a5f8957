/**
 * Makes Markdown tables of what accuracy.mjs has written: one row a model, one column a cell; the mean of its calibration subsets where
 * there are several.
 *
 *   node test/bench/accuracy-table.mjs table.json...
 */
import { readFileSync } from 'node:fs';

const rows = process.argv.slice(2).flatMap((path) => JSON.parse(readFileSync(path, 'utf8')));
if (rows.length === 0) {
  console.error('usage: node test/bench/accuracy-table.mjs table.json...');
  process.exit(2);
}
const cells = new Map();
for (const row of rows) cells.set(cellOf(row), [...(cells.get(cellOf(row)) ?? []), row]);
const models = [...new Set(rows.map(({ name }) => name))];
console.log(`| model |${[...cells.keys()].map((cell) => ` ${cell} |`).join('')}`);
console.log(`|${'---|'.repeat(cells.size + 1)}`);
for (const model of models)
  console.log(
    `| \`${model}\` |${[...cells.values()].map((all) => ` ${shown(all.filter(({ name }) => name === model))} |`).join('')}`,
  );

function cellOf({ scheme, bits, method }) {
  return scheme === 'float' ? 'float' : `${scheme} ${bits} ${method}`;
}

function shown(counted) {
  if (counted.length === 0) return '';
  const counts = counted.toSorted((a, b) => a.subset - b.subset).map(({ correct }) => correct);
  const { total } = counted[0];
  if (counts.length === 1) return `${counts[0]}/${total}`;
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return `${mean.toFixed(1)}/${total} (${counts.join(', ')})`;
}
