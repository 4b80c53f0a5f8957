import { join } from 'node:path';
import { DOCUMENTS } from '@bitwright/analyze';
import { expect, it } from 'vitest';
import { bitwright, MNIST, temporaryFolder } from '../support/cli.js';

const folder = temporaryFolder();

function quantized(name: string, ...options: string[]): string {
  const out = join(folder, `${name}.onnx`);
  const data = ['--data', join(MNIST, 'calibration.json'), '--samples', '16'];
  const run = bitwright('quantize', join(MNIST, 'resnet8_ce.onnx'), '-o', out, ...data, ...options);
  expect(run.code).toBe(0);
  return out;
}

const four = quantized('four', '--bits', '4', '--scheme', 'integer-only');
const compare = (first: string, second: string, ...options: string[]) => {
  const run = bitwright('diff', first, second, '--json', ...options);
  expect(run.stderr).toBe('');
  expect(run.code).toBe(0);
  return DOCUMENTS.diff.parse(run.json());
};

it('finds nothing between a model and itself', () => {
  const { equal, settings, layers, outputs } = compare(
    four,
    four,
    '--data',
    join(MNIST, 'evaluation.json'),
    '--samples',
    '16',
  );
  expect(equal).toBe(true);
  expect(settings).toEqual([]);
  expect(layers.length).toBeGreaterThan(10);
  expect(layers.every(({ status, sqnr }) => status === 'same' && sqnr === null)).toBe(true);
  expect(outputs).toMatchObject({ samples: 16, agreement: 16, sqnr: null, largest: 0 });
});

it('finds nothing but the dialect between two ways to write the same codes', () => {
  const native = join(folder, 'native.onnx');
  expect(
    bitwright('quantize', four, '-o', native, '--requantize', '--bits', '4', '--dialect', 'native').code,
  ).toBe(0);
  const { equal, settings } = compare(four, native);
  expect(settings.map(({ key }) => key)).toContain('dialect');
  expect(equal).toBe(true);
});

it('says which width, which scales and which codes differ, and what that does to each layer', () => {
  const six = quantized('six', '--bits', '6', '--scheme', 'integer-only');
  const { equal, settings, layers, outputs } = compare(
    four,
    six,
    '--data',
    join(MNIST, 'evaluation.json'),
    '--samples',
    '16',
  );
  expect(equal).toBe(false);
  expect(settings).toContainEqual({ key: 'bits', first: 'W4A4', second: 'W6A6' });
  const conv = layers.find(({ opType }) => opType === 'Conv')!;
  expect(conv.decisions).toContain(
    'weights: 4 bits signed symmetric, per channel of axis 0 became 6 bits signed symmetric, per channel of axis 0',
  );
  const weights = conv.scales.find(({ of }) => of === 'weights')!;
  expect(weights.differing).toBe(weights.channels);
  expect(weights.ratioHigh).toBeLessThan(1);
  const noise = layers.flatMap(({ sqnr }) => (typeof sqnr === 'number' ? [sqnr] : []));
  expect(noise.length).toBeGreaterThan(5);
  for (const value of noise) expect(value).toBeGreaterThan(3);
  expect(outputs!.agreement).toBeGreaterThan(10);
  expect(outputs!.correct!.length).toBe(2);
});

it('counts changed codes where the grids are the same kind, and layers that stay float', () => {
  const clipped = quantized(
    'clipped',
    '--bits',
    '4',
    '--scheme',
    'integer-only',
    '--weight-observer',
    'min-max',
  );
  const codes = compare(four, clipped).layers.flatMap((layer) => layer.codes ?? []);
  expect(codes.length).toBeGreaterThan(5);
  expect(codes.some(({ differing, total }) => differing > 0 && differing < total)).toBe(true);
  const float = compare(four, join(MNIST, 'resnet8_ce.onnx'));
  expect(float.second.convention).toBe('float');
  expect(float.layers.find(({ opType }) => opType === 'Gemm')!.decisions.join()).toContain('became float');
});

it('prints a table', () => {
  const run = bitwright('diff', four, join(MNIST, 'resnet8_ce.onnx'));
  expect(run.stdout).toMatch(/layers differ/);
  expect(bitwright('diff', four, join(folder, 'none.onnx')).code).toBe(1);
});
