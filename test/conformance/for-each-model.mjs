import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Checks models in order: the arguments of the process are ROOT LIST START RESULTS. LIST names one model a line, below ROOT. A
 * line is added to RESULTS before each model and one after it, so that the caller knows which one ended the process, and starts
 * again behind it.
 */
export async function forEachModel(check) {
  const [root, list, start, results] = process.argv.slice(2);
  const note = (entry) => appendFileSync(results, `${JSON.stringify(entry)}\n`);
  const models = readFileSync(list, 'utf8').trim().split('\n');
  for (let index = Number(start); index < models.length; index++) {
    note({ index, began: true });
    note({ index, ...(await check(join(root, models[index]))) });
  }
}
