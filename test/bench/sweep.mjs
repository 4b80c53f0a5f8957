// CPU seconds of `sweep` against the bare cost of its grid, in one run: each emitted file evaluated by itself with its
// quantizers simulated (faithful mode), samples decoded beforehand, session options as they come.
// usage: node test/bench/sweep.mjs CALIBRATION_CARD EVALUATION_CARD SAMPLES WIDTHS MODEL...
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataCard } from '@bitwright/data';

const require = createRequire(new URL('../../packages/runtime/package.json', import.meta.url));
const ort = require('onnxruntime-node');
const [calibration, evaluation, samples, widths, ...models] = process.argv.slice(2);
const cli = join(import.meta.dirname, '../../packages/bitwright/bin/bitwright.js');
const folder = mkdtempSync(join(tmpdir(), 'bitwright-bench-'));
const cpuSeconds = ({ user, system }) => (user + system) / 1e6;

/** The CPU seconds of all child processes that have ended. */
function childrenSeconds() {
  const ticks = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
  return (Number(ticks[13]) + Number(ticks[14])) / 100;
}

try {
  const before = childrenSeconds();
  const started = performance.now();
  const run = spawnSync(
    process.execPath,
    [
      ...[cli, 'sweep', ...models, '--bits', widths, '--scheme', 'integer-only', '--method', 'fast'],
      ...['--data', calibration, '--eval', evaluation, '--eval-samples', samples],
      ...['--report', join(folder, 'report'), '--emit', join(folder, 'files')],
    ],
    { encoding: 'utf8' },
  );
  if (run.status !== 0) throw new Error(run.stderr);
  const ours = childrenSeconds() - before;
  const wall = (performance.now() - started) / 1000;
  const runs = JSON.parse(readFileSync(join(folder, 'report', 'sweep.json'), 'utf8')).runs;

  const extra = {
    session: { disable_quant_qdq: '1' },
    optimization: { disable_specified_optimizers: 'ReluQuantRewrite;ClipQuantRewrite' },
  };
  let bare = 0;
  let bareWall = 0;
  for (const name of readdirSync(join(folder, 'files'))) {
    const path = join(folder, 'files', name);
    const session = await ort.InferenceSession.create(path, { logSeverityLevel: 4, extra });
    const inputs = session.inputMetadata.map(({ name: input, shape }) => ({
      name: input,
      dtype: 'float',
      shape: shape.map((dim) => (typeof dim === 'number' ? dim : undefined)),
    }));
    const data = await openDataCard(evaluation, inputs, { samples: Number(samples) });
    let correct = 0;
    for await (const batch of data.batches(128)) {
      const feeds = Object.fromEntries(
        [...batch.inputs].map(([input, tensor]) => [
          input,
          new ort.Tensor('float32', tensor.data(), tensor.dims),
        ]),
      );
      const cpu = process.cpuUsage();
      const begun = performance.now();
      const logits = (await session.run(feeds))[session.outputNames[0]].data;
      bare += cpuSeconds(process.cpuUsage(cpu));
      bareWall += (performance.now() - begun) / 1000;
      const classes = logits.length / batch.size;
      for (let i = 0; i < batch.size; i++) {
        const row = logits.subarray(i * classes, (i + 1) * classes);
        if (row.indexOf(Math.max(...row)) === batch.labels[i]) correct++;
      }
    }
    await session.release();
    const swept = runs.find(({ file }) => file === name).correct;
    console.log(`${name}: ${correct}/${data.count} alone, ${swept}/${data.count} in the sweep`);
  }
  console.log(
    `sweep: ${ours.toFixed(1)} CPU s (${wall.toFixed(1)} s), calibration, rounding and decoding included`,
  );
  console.log(`bare evaluation of its files: ${bare.toFixed(1)} CPU s (${bareWall.toFixed(1)} s)`);
  console.log(
    `ratio of CPU seconds: ${(ours / bare).toFixed(2)}, of seconds: ${(wall / bareWall).toFixed(2)}`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
