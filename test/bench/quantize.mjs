// Whole-process time of `quantize --method fast` (scales by the MSE search) against onnxruntime's own static quantizer, in turn, in one
// run: wall time, processor time of the process and its children, and the largest resident memory that `quantize` reports.
// usage: node test/bench/quantize.mjs MODEL CALIBRATION_CARD RUNS -- PEER COMMAND...
// The peer is a command that quantizes the same model with the same samples; ratios are ours / peer.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const split = process.argv.indexOf('--');
const [model, card, runs = '3'] = process.argv.slice(2, split);
const peer = process.argv.slice(split + 1);
const cli = join(import.meta.dirname, '../../packages/bitwright/bin/bitwright.js');
const ours = [
  process.execPath,
  cli,
  'quantize',
  model,
  '-o',
  '/tmp/bench.onnx',
  '--bits',
  '8',
  '--data',
  card,
  '--samples',
  '1024',
  '--method',
  'fast',
  '--json',
];

/** Wall seconds, processor seconds (user and system) and the largest resident memory of a process, by GNU time. */
function measure(command) {
  const { status, stderr } = spawnSync('/usr/bin/time', ['-f', '%e %U %S %M', ...command], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${command.join(' ')} failed: ${stderr}`);
  const [wall, user, system, kilobytes] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return { wall, cpu: user + system, megabytes: kilobytes / 1024 };
}

const shown = ({ wall, cpu, megabytes }) =>
  `${wall.toFixed(2)} s wall, ${cpu.toFixed(2)} s cpu, ${megabytes.toFixed(0)} MB`;
const ratios = { wall: [], cpu: [] };
for (let run = 0; run < Number(runs); run++) {
  const [mine, theirs] = [measure(ours), measure(peer)];
  for (const key of ['wall', 'cpu']) ratios[key].push(mine[key] / theirs[key]);
  console.log(`run ${run + 1}: bitwright ${shown(mine)}; peer ${shown(theirs)}`);
}
for (const [key, all] of Object.entries(ratios)) {
  all.sort((a, b) => a - b);
  const [min, median, max] = [all[0], all[all.length >> 1], all.at(-1)].map((ratio) => ratio.toFixed(2));
  console.log(`${key} ratio: min ${min}, median ${median}, max ${max}`);
}
