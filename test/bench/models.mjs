// The accuracy of every real model at W8A8 and W4A4 as a Markdown table: quantize, then evaluate against the float model.
// usage: node test/bench/models.mjs ASSETS [--method fast] [--images 10000] [--only NAME]... [--bits 8,4]
// ASSETS holds models/ and data/ with data cards. Counts are correct/total on the emitted file in stock ONNX Runtime (backend
// scheme, the first 1024 calibration images or all there are), `agree` counts images with the answer of the float model.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as ort from 'onnxruntime-node';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    method: { type: 'string', default: 'fast' },
    images: { type: 'string', default: '10000' },
    bits: { type: 'string', default: '8,4' },
    only: { type: 'string', multiple: true, default: [] },
  },
});
const [assets] = positionals;
if (assets === undefined) throw new Error('usage: node test/bench/models.mjs ASSETS [options]');

/** Each model with the card that calibrates it and, where there are labels, the one that it is evaluated on. */
const MODELS = [
  ['resnet20_cifar10_bn', 'cifar10_calibration', 'cifar10_test'],
  ['resnet20_cifar10_mse', 'cifar10_calibration', 'cifar10_test'],
  ['resnet20_cifar10_ls0.1', 'cifar10_calibration', 'cifar10_test'],
  ['resnet18_w16_cifar10', 'cifar10_calibration_half', 'cifar10_test_half'],
  ['resnet18_l3_cifar10head_ce', 'cifar10_calibration', 'cifar10_test'],
  ['resnet18_l3_cifar10head_ls0.1', 'cifar10_calibration', 'cifar10_test'],
  ['resnet18_l3_cifar10head_mse', 'cifar10_calibration', 'cifar10_test'],
  ['mlperf_tiny_resnet8_cifar10', 'cifar10_calibration_raw', 'cifar10_test_raw'],
  [
    'efficientnet_lite0_imagenet_bn',
    'imagenet_calibration_efficientnet_lite',
    'imagenet_evaluation_efficientnet_lite',
  ],
  ['etinynet_1.0_imagenet_bn', 'imagenet_calibration_raw', 'imagenet_evaluation_raw'],
  ['squeezenet1.1_fp32', 'imagenet_calibration_torchvision', 'imagenet_evaluation_torchvision'],
  ['mlperf_tiny_vww_mobilenet025', 'images_vww'],
  ['ultraface_RFB-320', 'images_ultraface'],
  ['silero_vad_16k_op15', 'silero_random'],
];

const cli = join(import.meta.dirname, '../../packages/bitwright/bin/bitwright.js');
const folder = mkdtempSync(join(tmpdir(), 'bitwright-models-'));
const card = (name) => join(assets, 'data', `${name}.card.json`);

function bitwright(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args, '--json'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status === 0) return JSON.parse(stdout);
  throw new Error(stderr.trim().split('\n').at(-1));
}

function evaluate(paths, evaluation, reference) {
  const args = ['evaluate', ...paths, '--data', card(evaluation), '--samples', values.images];
  return bitwright(...args, ...(reference === undefined ? [] : ['--reference', reference])).models;
}

async function cell(model, calibration, evaluation, bits) {
  const output = join(folder, `${bits}.onnx`);
  try {
    bitwright(
      'quantize',
      model,
      '-o',
      output,
      '--bits',
      bits,
      '--method',
      values.method,
      '--data',
      card(calibration),
    );
    if (evaluation === undefined) return await runsOnZeros(output, calibration);
    const [{ correct, total, agreement }] = evaluate([output], evaluation, model);
    return `${correct}/${total}, agree ${agreement}`;
  } catch (failure) {
    return `fails: ${failure.message}`;
  }
}

/** Loads a model that has no labelled data in the stock runtime and runs it once. */
async function runsOnZeros(path, calibration) {
  const { inputs } = JSON.parse(readFileSync(card(calibration), 'utf8'));
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 3 });
  const feeds = {};
  for (const { name, type, shape } of session.inputMetadata) {
    const dims = inputs[name]?.shape ?? shape.map((dim) => (typeof dim === 'number' && dim > 0 ? dim : 1));
    const count = dims.reduce((product, dim) => product * dim, 1);
    feeds[name] = new ort.Tensor(
      type,
      type === 'int64' ? new BigInt64Array(count) : new Float32Array(count),
      dims,
    );
  }
  await session.run(feeds);
  await session.release();
  return 'loads, runs';
}

try {
  const widths = values.bits.split(',');
  console.log(`method ${values.method}, scheme backend, at most ${values.images} evaluation images\n`);
  console.log(`| model | float | ${widths.map((bits) => `W${bits}A${bits}`).join(' | ')} |`);
  console.log(`|---|---|${widths.map(() => '---').join('|')}|`);
  for (const [name, calibration, evaluation] of MODELS) {
    if (values.only.length > 0 && !values.only.includes(name)) continue;
    const model = join(assets, 'models', `${name}.onnx`);
    const float = evaluation === undefined ? undefined : evaluate([model], evaluation)[0];
    const cells = [];
    for (const bits of widths) cells.push(await cell(model, calibration, evaluation, bits));
    console.log(`| ${name} | ${float ? `${float.correct}/${float.total}` : ''} | ${cells.join(' | ')} |`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
