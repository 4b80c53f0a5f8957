// Kills a sweep (SIGKILL) at random moments of its run, resumes it, and compares every result file with those of one that ran
// through, byte for byte. A moment at which the sweep had ended already does not count, and another one is drawn.
// usage: npm run build && node test/bench/kill-sweep.mjs [KILLS, 20 by default] [SEED, 1 by default]
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '@bitwright/core';

const [kills, seed] = [Number(process.argv[2] ?? 20), Number(process.argv[3] ?? 1)];
const root = join(import.meta.dirname, '../..');
const mnist = join(root, 'fixtures/mnist');
const folder = mkdtempSync(join(tmpdir(), 'bitwright-kills-'));
const random = seededRandom(seed);

// the same words in another working folder each time: a report shows its command
const SWEEP = [
  ...[join(root, 'packages/bitwright/bin/bitwright.js'), 'sweep', join(mnist, 'resnet8_ce.onnx')],
  ...['--bits', '8,3', '--scheme', 'integer-only', '--method', 'fast', '--resume'],
  ...['--data', join(mnist, 'calibration.json'), '--samples', '16'],
  ...['--eval', join(mnist, 'evaluation.json'), '--eval-samples', '200'],
  ...['--report', 'report', '--emit', 'files'],
];

/** Runs a sweep through. @returns its milliseconds */
function runThrough(cwd) {
  mkdirSync(cwd, { recursive: true });
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, SWEEP, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return performance.now() - started;
}

/** @returns true when the sweep was running at that moment, and is dead now */
async function kill(cwd, moment) {
  mkdirSync(cwd);
  const child = spawn(process.execPath, SWEEP, { cwd, stdio: 'ignore' });
  const timer = setTimeout(() => child.kill('SIGKILL'), moment);
  const signal = await new Promise((done) => child.once('exit', (_code, by) => done(by)));
  clearTimeout(timer);
  return signal === 'SIGKILL';
}

/** How many lines the journal of a killed sweep has: what is not done again. */
function kept(cwd) {
  try {
    return readFileSync(join(cwd, 'report/sweep.journal'), 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
}

/** Every file that a sweep leaves, but those that tell times and the order in which jobs ended. */
function results(cwd) {
  const files = new Map();
  for (const path of ['report', 'files'])
    for (const file of readdirSync(join(cwd, path)))
      if (!['timings.json', 'sweep.journal'].includes(file))
        files.set(`${path}/${file}`, readFileSync(join(cwd, path, file)));
  return files;
}

try {
  const length = runThrough(join(folder, 'whole'));
  const whole = results(join(folder, 'whole'));
  console.log(`one that runs through: ${(length / 1000).toFixed(1)} s, ${whole.size} files`);
  let [drawn, killed, same] = [0, 0, 0];
  for (; killed < kills && drawn < 10 * kills; drawn++) {
    const cwd = join(folder, `killed${drawn}`);
    const moment = random() * length;
    if (!(await kill(cwd, moment))) continue;
    killed++;
    const lines = kept(cwd);
    runThrough(cwd);
    const found = results(cwd);
    const differ = [...new Set([...whole.keys(), ...found.keys()])].filter(
      (file) => found.get(file) === undefined || whole.get(file)?.equals(found.get(file)) !== true,
    );
    if (differ.length === 0) same++;
    const said = differ.length === 0 ? 'the same bytes' : `other bytes in ${differ.join(', ')}`;
    console.log(`killed after ${(moment / 1000).toFixed(2)} s, ${lines} lines in the journal: ${said}`);
    rmSync(cwd, { recursive: true, force: true });
  }
  console.log(
    `${killed} of ${drawn} moments killed a running sweep; ${same} of ${killed} gave the same bytes`,
  );
  if (killed < kills || same < killed) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
