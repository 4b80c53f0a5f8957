// Kills a sweep (SIGKILL) at random moments of its run, resumes it, and compares every result file with those of one that ran through.
// usage: npm run build && node test/bench/kill-sweep.mjs [KILLS, 20 by default] [SEED, 1 by default]
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '@bitwright/core';

const [kills, seed] = [Number(process.argv[2] ?? 20), Number(process.argv[3] ?? 1)];
const root = join(import.meta.dirname, '../..');
const mnist = join(root, 'fixtures/mnist');
const folder = mkdtempSync(join(tmpdir(), 'bitwright-kills-'));
const random = seededRandom(seed);

const sweep = (name) => [
  ...[join(root, 'packages/bitwright/bin/bitwright.js'), 'sweep'],
  join(mnist, 'resnet8_ce.onnx'),
  ...['--bits', '8,3', '--scheme', 'integer-only', '--method', 'fast', '--resume'],
  ...['--data', join(mnist, 'calibration.json'), '--samples', '16'],
  ...['--eval', join(mnist, 'evaluation.json'), '--eval-samples', '200'],
  ...['--report', join(folder, name), '--emit', join(folder, `${name}-files`)],
];

/** Every file that a sweep leaves, but those that tell times and the order in which jobs ended. */
function results(name) {
  const files = new Map();
  for (const path of [name, `${name}-files`])
    for (const file of readdirSync(join(folder, path)))
      if (!['timings.json', 'sweep.journal'].includes(file)) {
        const content = readFileSync(join(folder, path, file));
        files.set(
          `${path.replace(name, '')}/${file}`,
          file.startsWith('report.') ? plain(content, name) : content,
        );
      }
  return files;
}

/** A report shows its own command line, in which the folder stands. */
function plain(content, name) {
  return content.toString('utf8').includes('<!doctype html>')
    ? Buffer.from('a page')
    : Buffer.from(content.toString('utf8').replaceAll(join(folder, name), 'FOLDER'));
}

try {
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, sweep('whole'), { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  const length = performance.now() - started;
  const whole = results('whole');
  console.log(`one that runs through: ${(length / 1000).toFixed(1)} s, ${whole.size} files`);
  let [killed, same] = [0, 0];
  for (let i = 0; i < kills; i++) {
    const name = `killed${i}`;
    const moment = random() * length;
    const child = spawn(process.execPath, sweep(name), { stdio: 'ignore' });
    const ended = new Promise((done) => child.once('exit', (code) => done(code)));
    const timer = setTimeout(() => child.kill('SIGKILL'), moment);
    if ((await ended) === null) killed++;
    clearTimeout(timer);
    const resumed = spawnSync(process.execPath, sweep(name), { encoding: 'utf8' });
    if (resumed.status !== 0) throw new Error(resumed.stderr);
    const found = results(name);
    const differ = [...whole]
      .filter(([file, content]) => !found.get(file)?.equals(content))
      .map(([file]) => file);
    if (differ.length === 0 && found.size === whole.size) same++;
    else console.log(`after ${(moment / 1000).toFixed(2)} s: other bytes in ${differ.join(', ')}`);
    for (const path of [name, `${name}-files`]) rmSync(join(folder, path), { recursive: true, force: true });
  }
  console.log(`${killed} of ${kills} were killed before they ended; ${same} of ${kills} gave the same bytes`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
