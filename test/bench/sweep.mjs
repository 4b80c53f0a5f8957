// CPU seconds and seconds of `sweep`, in each mode that is named, against two costs of the same grid, in one run:
// - with --bare, each emitted file evaluated by itself in the mode of the sweep, samples decoded beforehand; once
//   in sessions as they come (128 samples a run), once in sessions of one thread (16 samples a run), one session at a time;
// - with --fx, PyTorch's FX graph mode, which calibrates and evaluates each cell (ResNet-20 for CIFAR-10 only; see fx_sweep.py).
// usage: node test/bench/sweep.mjs [--modes faithful,default] [--bare] [--fx PYTHON] CALIBRATION_CARD EVALUATION_CARD SAMPLES WIDTHS MODEL...
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDataCard } from '@bitwright/data';

const require = createRequire(new URL('../../packages/runtime/package.json', import.meta.url));
const ort = require('onnxruntime-node');
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    fx: { type: 'string' },
    bare: { type: 'boolean', default: false },
    modes: { type: 'string', default: 'faithful' },
  },
});
const [calibration, evaluation, samples, widths, ...models] = positionals;
const CALIBRATED = '1024';
const cli = join(import.meta.dirname, '../../packages/bitwright/bin/bitwright.js');
const folder = mkdtempSync(join(tmpdir(), 'bitwright-bench-'));

try {
  const sweeps = [];
  for (const mode of flags.modes.split(',')) {
    const ours = ourSweep(mode);
    sweeps.push({ mode, ours });
    console.log(
      `sweep in ${mode} mode: ${shown(ours)}, calibration, rounding, decoding and the report included`,
    );
    if (!flags.bare) continue;
    const bare = {
      'sessions as they come': await bareEvaluation(mode, {}, 128),
      'sessions of one thread': await bareEvaluation(mode, { intraOpNumThreads: 1 }, 16),
    };
    for (const [name, cost] of Object.entries(bare)) {
      console.log(`bare evaluation of its files, ${name}: ${shown(cost)}`);
      console.log(`  sweep / bare: ${ratio(ours, cost)}`);
    }
  }
  if (flags.fx !== undefined) {
    const fx = fxSweep(flags.fx);
    console.log(`FX: ${shown(fx)}`);
    for (const { mode, ours } of sweeps) console.log(`  FX / sweep in ${mode} mode: ${ratio(fx, ours)}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function ourSweep(mode) {
  const before = childrenSeconds();
  const started = performance.now();
  const run = spawnSync(
    process.execPath,
    [
      ...[
        cli,
        'sweep',
        ...models,
        '--bits',
        widths,
        '--scheme',
        'integer-only',
        '--method',
        'fast',
        '--mode',
        mode,
      ],
      ...['--data', calibration, '--samples', CALIBRATED, '--eval', evaluation, '--eval-samples', samples],
      ...['--report', join(folder, mode), '--emit', join(folder, 'files')],
    ],
    { encoding: 'utf8' },
  );
  if (run.status !== 0) throw new Error(run.stderr);
  return { cpu: childrenSeconds() - before, wall: (performance.now() - started) / 1000 };
}

/** The runs of every emitted file in sessions of its own; opening them and making tensors is not counted. */
async function bareEvaluation(mode, options, batchSize) {
  const { runs } = JSON.parse(readFileSync(join(folder, mode, 'sweep.json'), 'utf8'));
  const faithful = {
    session: { disable_quant_qdq: '1' },
    optimization: { disable_specified_optimizers: 'ReluQuantRewrite;ClipQuantRewrite' },
  };
  const extra = mode === 'faithful' ? faithful : {};
  const cost = { cpu: 0, wall: 0 };
  for (const name of readdirSync(join(folder, 'files'))) {
    const path = join(folder, 'files', name);
    const session = await ort.InferenceSession.create(path, { logSeverityLevel: 4, extra, ...options });
    const { correct, count } = await countCorrect(session, batchSize, cost);
    await session.release();
    const swept = runs.find(({ file }) => file === name).correct;
    console.log(`${name}: ${correct}/${count} alone, ${swept}/${count} in the sweep`);
  }
  return cost;
}

async function countCorrect(session, batchSize, cost) {
  const inputs = session.inputMetadata.map(({ name: input, shape }) => ({
    name: input,
    dtype: 'float',
    shape: shape.map((dim) => (typeof dim === 'number' ? dim : undefined)),
  }));
  const data = await openDataCard(evaluation, inputs, { samples: Number(samples) });
  let correct = 0;
  for await (const batch of data.batches(batchSize)) {
    const feeds = Object.fromEntries(
      [...batch.inputs].map(([input, tensor]) => [
        input,
        new ort.Tensor('float32', tensor.data(), tensor.dims),
      ]),
    );
    const cpu = process.cpuUsage();
    const begun = performance.now();
    const logits = (await session.run(feeds))[session.outputNames[0]].data;
    cost.wall += (performance.now() - begun) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    cost.cpu += (user + system) / 1e6;
    const classes = logits.length / batch.size;
    for (let i = 0; i < batch.size; i++) {
      const row = logits.subarray(i * classes, (i + 1) * classes);
      if (row.indexOf(Math.max(...row)) === batch.labels[i]) correct++;
    }
  }
  return { correct, count: data.count };
}

/** What FX counts of itself: imports and decoding are not in it. */
function fxSweep(python) {
  const run = spawnSync(
    python,
    [
      ...['-W', 'ignore', join(import.meta.dirname, 'fx_sweep.py'), fileOf(calibration), fileOf(evaluation)],
      ...[CALIBRATED, samples, widths, ...models],
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  );
  if (run.status !== 0) throw new Error(`${python} ended with ${run.status ?? run.error}`);
  console.log(run.stdout.trimEnd());
  const [, cpu, wall] = /FX together: ([\d.]+) CPU s \(([\d.]+) s\)/.exec(run.stdout);
  return { cpu: Number(cpu), wall: Number(wall) };
}

/** The one file of samples that a card names. */
function fileOf(card) {
  return join(dirname(card), JSON.parse(readFileSync(card, 'utf8')).files[0]);
}

/** The CPU seconds of all child processes that have ended. */
function childrenSeconds() {
  const ticks = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
  return (Number(ticks[13]) + Number(ticks[14])) / 100;
}

function shown({ cpu, wall }) {
  return `${cpu.toFixed(1)} CPU s (${wall.toFixed(1)} s)`;
}

function ratio(cost, to) {
  return `${(cost.cpu / to.cpu).toFixed(2)} in CPU seconds, ${(cost.wall / to.wall).toFixed(2)} in seconds`;
}
