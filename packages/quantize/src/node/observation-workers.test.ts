import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { startObservationWorkers } from './observation-workers.js';

const folder = mkdtempSync(join(tmpdir(), 'bitwright-workers-'));

function script(name: string, text: string): URL {
  const path = join(folder, name);
  writeFileSync(path, text);
  return pathToFileURL(path);
}

const batch = { inputs: new Map(), size: 1 };

it('starts one worker less than the shards that share the work, and none without a script', () => {
  const entry = script('idle.mjs', '');
  const helpers = startObservationWorkers(3, entry);
  expect(helpers.open(new Uint8Array())).toHaveLength(2);
  helpers.close();
  const absent = startObservationWorkers(3, new URL('./absent.mjs', pathToFileURL(`${folder}/`)));
  expect(absent.open(new Uint8Array())).toHaveLength(0);
});

it('tells the coded error of a worker', async () => {
  const error = { code: 'RUNTIME_LOAD_FAILED', message: 'no', hint: 'h', at: { file: 'f' } };
  const answer = { kind: 'failed', error };
  const entry = script(
    'failing.mjs',
    `import { parentPort } from 'node:worker_threads';
     parentPort.on('message', () => parentPort.postMessage(${JSON.stringify(answer)}));`,
  );
  const helpers = startObservationWorkers(2, entry);
  const [shard] = helpers.open(new Uint8Array());
  await expect(shard!.observe(batch, ['x'])).rejects.toMatchObject({
    code: 'RUNTIME_LOAD_FAILED',
    at: { file: 'f' },
  });
  helpers.close();
});

it('says so when a worker ends by itself', async () => {
  const helpers = startObservationWorkers(2, script('dying.mjs', 'process.exit(3);'));
  const [shard] = helpers.open(new Uint8Array());
  await expect(shard!.observe(batch, ['x'])).rejects.toMatchObject({
    code: 'CALIBRATION_WORKER_DIED',
    message: expect.stringContaining('exit code 3'),
  });
  helpers.close();
});
