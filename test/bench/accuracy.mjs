/**
 * Makes the figures of docs/reference/accuracy.md: each model counted as it is, and quantized for several calibration subsets;
 * accuracy-table.mjs makes tables of the files that --out names.
 *
 *   BITWRIGHT_ASSETS=folder node test/bench/accuracy.mjs [--subsets 5] [--from 0] [--eval 10000] [--method balanced] [--models resnet20_cifar10_bn,…] [--cells 'float,academic W4A4,…'] [--out table.json]
 *
 * A subset is the calibration card with another `shuffle`, from `--from` on; no figure here chooses anything. Build first (npm run build).
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { evaluateModels, quantize } from '../../packages/bitwright/dist/index.js';

const WIDTHS = {
  academic: ['W8A8', 'W6A6', 'W5A5', 'W4A4', 'W4A8', 'W3A3', 'W2A4', 'W2A2'],
  'integer-only': ['W8A8', 'W6A6', 'W5A5', 'W4A4', 'W3A3', 'W2A2'],
};
const FEW = { academic: ['W8A8', 'W4A8', 'W4A4'], 'integer-only': ['W8A8', 'W4A4'] };
const CIFAR = ['cifar10_calibration', 'cifar10_test'];
const IMAGENET = ['imagenet_calibration', 'imagenet_evaluation'];

/** The model, its cards (with the suffix of its preprocessing), and the widths that are tried on it. */
const MODELS = {
  resnet20_cifar10_bn: [CIFAR, '', WIDTHS],
  efficientnet_lite0_imagenet_bn: [
    IMAGENET,
    '_efficientnet_lite',
    { ...FEW, academic: ['W8A8', 'W6A6', 'W4A8', 'W4A4'] },
  ],
  'etinynet_1.0_imagenet_bn': [IMAGENET, '_raw', FEW],
  'squeezenet1.1_fp32': [IMAGENET, '_torchvision', FEW],
  resnet18_w16_cifar10: [CIFAR, '_half', FEW],
  resnet18_l3_cifar10head_ce: [CIFAR, '', FEW],
  mlperf_tiny_resnet8_cifar10: [CIFAR, '_raw', FEW],
};

const { values: flags } = parseArgs({
  options: {
    subsets: { type: 'string', default: '5' },
    from: { type: 'string', default: '0' },
    samples: { type: 'string', default: '1024' },
    eval: { type: 'string', default: '10000' },
    method: { type: 'string', default: 'balanced' },
    models: { type: 'string', default: Object.keys(MODELS).join(',') },
    cells: { type: 'string' },
    out: { type: 'string' },
  },
});
const assets = resolve(process.env.BITWRIGHT_ASSETS ?? '');
if (!existsSync(join(assets, 'models'))) {
  console.error('BITWRIGHT_ASSETS names no folder with models and data: nothing to measure.');
  process.exit(1);
}
const out = flags.out && resolve(flags.out);
process.chdir(join(assets, 'data'));
const wanted = flags.cells?.split(',').map((cell) => cell.trim());
const rows = [];
for (const name of flags.models.split(',')) {
  const [[calibration, evaluation], suffix, schemes] = MODELS[name];
  const model = join(assets, 'models', `${name}.onnx`);
  const test = join(assets, 'data', `${evaluation}${suffix}.card.json`);
  if (wanted === undefined || wanted.includes('float')) {
    const [{ correct, total }] = await evaluateModels([model], { data: test, samples: Number(flags.eval) });
    rows.push({ name, scheme: 'float', bits: '', subset: 0, correct, total });
    console.log(`${name} float: ${correct}/${total}`);
  }
  for (const [scheme, widths] of Object.entries(schemes)) {
    for (const bits of widths) {
      if (wanted !== undefined && !wanted.includes(`${scheme} ${bits}`)) continue;
      await measure({
        name,
        model,
        scheme,
        bits,
        test,
        calibration: join(assets, 'data', `${calibration}${suffix}.card.json`),
      });
    }
  }
}
if (out !== undefined) writeFileSync(out, `${JSON.stringify(rows, undefined, 2)}\n`);

async function measure({ name, model, scheme, bits, test, calibration }) {
  const counts = [];
  const cost = { cpu: 0, wall: 0 };
  for (let subset = Number(flags.from); subset < Number(flags.subsets); subset++) {
    const before = process.cpuUsage();
    const started = performance.now();
    const { bytes } = await quantize(model, {
      bits,
      scheme,
      method: flags.method,
      data: shuffled(calibration, subset),
      samples: Number(flags.samples),
    });
    const used = process.cpuUsage(before);
    cost.cpu += (used.user + used.system) / 1e6;
    cost.wall += (performance.now() - started) / 1000;
    const [result] = await evaluateModels([bytes], { data: test, samples: Number(flags.eval) });
    counts.push(result.correct);
    const { method } = flags;
    rows.push({ name, scheme, bits, method, subset, correct: result.correct, total: result.total });
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    const each = (seconds) => (seconds / counts.length).toFixed(0);
    console.log(
      `${name} ${scheme} ${bits}: mean ${mean.toFixed(1)}/${result.total} of ${counts.join(', ')}; ${each(cost.cpu)} CPU seconds to quantize, ${each(cost.wall)} by the clock`,
    );
  }
}

/** The card with its samples in another order; its own order for subset 0. Its paths are relative to where we stand. */
function shuffled(path, subset) {
  const card = JSON.parse(readFileSync(path, 'utf8'));
  return subset === 0 ? card : { ...card, shuffle: subset };
}
