// Whole-process time and memory of `quantize` against onnxruntime's own static quantizer, in turn, in one run.
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
];

const seconds = (command) => {
  const started = performance.now();
  const { status, stderr } = spawnSync(command[0], command.slice(1), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command.join(' ')} failed: ${stderr}`);
  return (performance.now() - started) / 1000;
};

const ratios = [];
for (let run = 0; run < Number(runs); run++) {
  const [mine, theirs] = [seconds(ours), seconds(peer)];
  ratios.push(mine / theirs);
  console.log(
    `run ${run + 1}: bitwright ${mine.toFixed(2)} s, peer ${theirs.toFixed(2)} s, ratio ${(mine / theirs).toFixed(2)}`,
  );
}
ratios.sort((a, b) => a - b);
console.log(
  `ratio: min ${ratios[0].toFixed(2)}, median ${ratios[ratios.length >> 1].toFixed(2)}, max ${ratios.at(-1).toFixed(2)}`,
);
