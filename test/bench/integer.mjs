// Bit equality of whole networks, counted: the interpreter, the integer network in ONNX Runtime, and the NumPy program of the docs that
// replays what `export` writes. Accumulators and codes of every layer on every image; anything but 0 differences is a fault.
// usage: node test/bench/integer.mjs ASSETS [--images 1000] [--chunk 10] [--hardware int8-npu-gemmlowp] [--only NAME]...
// ASSETS holds models/ and data/ with data cards. Networks are quantized as W8A8, scheme integer-only, method fast. The interpreter runs
// about ten small images a second. python3 must have NumPy.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { captureModel } from '@bitwright/capture';
import { openData } from '@bitwright/data';
import { detectDialect } from '@bitwright/dialects';
import { openOrtNode } from '@bitwright/runtime';
import {
  emitNetwork,
  encodeNpz,
  exportIntegers,
  findHardware,
  interpret,
  lowerNetwork,
} from '@bitwright/simulate';
import { quantize } from 'bitwright';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    images: { type: 'string', default: '1000' },
    chunk: { type: 'string', default: '10' },
    hardware: { type: 'string', default: 'int8-npu-gemmlowp' },
    only: { type: 'string', multiple: true, default: [] },
  },
});
const [assets] = positionals;
if (assets === undefined) throw new Error('usage: node test/bench/integer.mjs ASSETS [options]');

/** Each network, its cards, and how many images it gets at most. */
const NETWORKS = [
  ['resnet20_cifar10_bn', 'cifar10_calibration', 'cifar10_test', 10_000],
  ['resnet18_w16_cifar10', 'cifar10_calibration_half', 'cifar10_test_half', 10_000],
  ['mlperf_tiny_resnet8_cifar10', 'cifar10_calibration_raw', 'cifar10_test_raw', 10_000],
  // there are too few pictures for this one; small ones, enlarged, are integers just as well
  [
    'mlperf_tiny_vww_mobilenet025',
    'images_vww',
    'cifar10_test_raw',
    10_000,
    { resize: [96, 96], rescale: 1 / 255 },
  ],
  [
    'efficientnet_lite0_imagenet_bn',
    'imagenet_calibration_efficientnet_lite',
    'imagenet_evaluation_efficientnet_lite',
    50,
  ],
];

const folder = mkdtempSync(join(tmpdir(), 'bitwright-integer-'));
const replay = join(import.meta.dirname, '../../docs/how-to/replay_layer.py');

/** Counts of a comparison: how much was compared, how much differs. */
const nothing = () => ({ accumulators: 0, codes: 0, onnx: 0, numpy: 0 });

function differing(ours, theirs, shift) {
  if (ours.length !== theirs.length) return Math.max(ours.length, theirs.length);
  let count = 0;
  for (let i = 0; i < ours.length; i++) if (ours[i] + shift !== theirs[i]) count++;
  return count;
}

/** The interpreter's values against those of the emitted network. */
function compareOnnx(network, emitted, run, results, counts) {
  for (const step of network.steps) {
    const names = emitted.observed.get(step.output);
    if (names?.accumulators !== undefined) {
      const { data } = run.accumulators.get(step.output);
      counts.accumulators += data.length;
      counts.onnx += differing(data, results.get(names.accumulators).data(), 0);
    }
    if (names?.codes !== undefined) {
      const { data } = run.values.get(step.output);
      const { grid } = step.result ?? step;
      counts.codes += data.length;
      counts.onnx += differing(data, results.get(names.codes).data(), Math.max(0, -grid.min));
    }
  }
}

/** Writes the export of one run into a folder of its own. */
function exportRun(network, run, size, model, folders) {
  const { manifest, arrays } = exportIntegers(network, {
    model,
    hardware: values.hardware,
    golden: run,
    samples: size,
  });
  const to = join(folder, String(folders.length));
  mkdirSync(to, { recursive: true });
  writeFileSync(join(to, 'manifest.json'), JSON.stringify(manifest));
  writeFileSync(join(to, 'integers.npz'), encodeNpz(arrays, 0));
  folders.push(to);
  return manifest.layers.filter(({ kind }) => kind === 'dot').length;
}

const REPLAY_ALL = 'import runpy, sys\nfor to in sys.argv[2:]: sys.argv[1] = to; runpy.run_path(sys.argv[0])';

/** Exports replayed by NumPy, one Python for all: accumulators and codes of the layers with weights. */
async function compareNumpy(folders, layers, counts) {
  const program = REPLAY_ALL.replace('sys.argv[0]', JSON.stringify(replay));
  const child = spawn('python3', ['-c', program, 'folder', ...folders], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const part of child.stdout) text += part;
  const lines = text.trim().split('\n');
  if (lines.length !== layers * folders.length)
    throw new Error(`NumPy replayed ${lines.length} of ${layers * folders.length} layers`);
  for (const line of lines) {
    const [, first, second] = /accumulators, (\d+) differ; \d+ codes, (\d+) differ$/.exec(line);
    counts.numpy += Number(first) + Number(second);
  }
}

async function check([name, calibration, evaluation, most, preparation = {}]) {
  const card = (which) => join(assets, 'data', `${which}.card.json`);
  const { bytes } = await quantize(join(assets, 'models', `${name}.onnx`), {
    bits: 'W8A8',
    scheme: 'integer-only',
    method: 'fast',
    data: card(calibration),
  });
  const module = captureModel(bytes, { name });
  detectDialect(module).lift(module);
  const network = lowerNetwork(module, { hardware: findHardware(values.hardware) });
  const emitted = emitNetwork(network, { observe: ['accumulators', 'codes'] });
  const executor = await openOrtNode(emitted.bytes, { threads: 1 });
  const counts = nothing();
  const size = typeof network.inputs[0].shape[0] === 'number' ? 1 : Number(values.chunk);
  const folders = [];
  let layers = 0;
  let images = 0;
  const described = JSON.parse(readFileSync(card(evaluation), 'utf8'));
  Object.assign(described.inputs['*'], preparation);
  const data = await openData(described, network.inputs, {
    samples: Math.min(Number(values.images), most),
    baseFolder: join(assets, 'data'),
  });
  const isFixed = typeof network.inputs[0].shape[0] === 'number';
  for await (const batch of data.batches(isFixed ? network.inputs[0].shape[0] : Number(values.chunk))) {
    const inputs = [...batch.inputs].map(([key, tensor]) => [
      key,
      { dims: tensor.dims, data: tensor.data() },
    ]);
    const run = interpret(network, new Map(inputs));
    compareOnnx(network, emitted, run, await executor.run(batch.inputs), counts);
    layers = exportRun(network, run, batch.size, name, folders);
    images += batch.size;
    if (folders.length * size >= Number(values.chunk)) await compareNumpy(folders.splice(0), layers, counts);
    if (images % 100 < batch.size) process.stderr.write(`${name}: ${images}, ${JSON.stringify(counts)}\n`);
  }
  if (folders.length > 0) await compareNumpy(folders, layers, counts);
  await executor.release();
  console.log(
    `${name}: ${images} images, ${counts.accumulators} accumulators and ${counts.codes} codes; ${counts.onnx} differ in ONNX Runtime, ${counts.numpy} in NumPy`,
  );
}

try {
  for (const one of NETWORKS) if (values.only.length === 0 || values.only.includes(one[0])) await check(one);
} finally {
  rmSync(folder, { recursive: true });
}
