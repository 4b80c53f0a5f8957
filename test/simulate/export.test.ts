import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Manifest, manifestJsonSchema, manifestSchema } from '@bitwright/simulate';
import { beforeAll, describe, expect, test } from 'vitest';
import { bitwright, MNIST, temporaryFolder } from '../support/cli.js';

const folder = temporaryFolder();
const quantized = join(folder, 'w4a4.onnx');
const evaluation = join(MNIST, 'evaluation.json');

beforeAll(() => {
  const made = bitwright(
    ...['quantize', join(MNIST, 'resnet8_ce.onnx'), '-o', quantized, '--bits', 'W4A4', '--method', 'fast'],
    ...['--scheme', 'integer-only', '--data', join(MNIST, 'calibration.json'), '--samples', '64'],
  );
  expect(made.code, made.stderr).toBe(0);
});

function exported(form: string, ...options: string[]): string {
  const to = join(folder, form);
  const result = bitwright('export', quantized, '--to', to, '--as', form, '--json', ...options);
  expect(result.code, result.stderr).toBe(0);
  for (const file of result.json<{ files: string[] }>().files) expect(existsSync(file)).toBe(true);
  return to;
}

describe('export', () => {
  test('integers: the manifest keeps to its published schema, and names arrays that exist', () => {
    const to = exported('integers', '--data', evaluation, '--samples', '2');
    const manifest: Manifest = manifestSchema.parse(
      JSON.parse(readFileSync(join(to, 'manifest.json'), 'utf8')),
    );
    expect(manifest.samples).toBe(2);
    const npz = readFileSync(join(to, 'integers.npz')).toString('latin1');
    const layers = manifest.layers.filter(({ kind }) => kind === 'dot');
    expect(layers.length).toBeGreaterThan(5);
    for (const layer of layers) {
      for (const name of [layer.weights!, layer.bias!, layer.golden!.accumulators!])
        expect(npz).toContain(`${name}.npy`);
      expect(layer.weightBits).toBe(4);
    }
    const published = new URL('../../docs/reference/integers.schema.json', import.meta.url);
    expect(JSON.parse(readFileSync(published, 'utf8'))).toEqual(manifestJsonSchema());
  });

  test('c: a header that a compiler takes', () => {
    const to = exported('c', '--hardware', 'int8-npu-gemmlowp');
    const header = readFileSync(join(to, 'network.h'), 'utf8');
    expect(header).toMatch(/static const int8_t layer_\d+_weights\[\d+\]/);
    expect(header).toMatch(/static const int32_t layer_\d+_multiplier\[\d+\]/);
    const compiler = ['cc', 'gcc', 'clang'].find((name) => existsSync(join('/usr/bin', name)));
    if (compiler !== undefined)
      execFileSync(compiler, ['-std=c99', '-fsyntax-only', '-x', 'c', join(to, 'network.h')], {
        stdio: 'pipe',
      });
  });

  test('memh: weights in words of their own width', () => {
    const to = exported('memh');
    const name = readdirSync(to).find((file) => file.endsWith('_weights.memh'))!;
    const [head, ...words] = readFileSync(join(to, name), 'utf8').trim().split('\n');
    expect(head).toMatch(/^\/\/ \[[\d, ]+\], 4 bits$/);
    expect(words.every((word) => /^[0-9a-f]$/.test(word))).toBe(true);
  });

  test('integer-onnx and other dialects count the same answers', () => {
    const count = (model: string): number => {
      const result = bitwright('evaluate', model, '--data', evaluation, '--samples', '200', '--json');
      expect(result.code, result.stderr).toBe(0);
      return result.json<{ models: [{ correct: number }] }>().models[0].correct;
    };
    const expected = count(quantized);
    for (const form of ['integer-onnx', 'qcdq', 'native'])
      expect(Math.abs(count(join(exported(form), 'model.onnx')) - expected)).toBeLessThanOrEqual(2);
  });

  test('what is wrong is said, and nothing is written', () => {
    const to = join(folder, 'nothing');
    const form = bitwright('export', quantized, '--to', to, '--as', 'integer', '--json');
    expect(form.code).toBe(2);
    expect(form.json<{ error: { hint: string } }>().error.hint).toContain('integers');
    writeFileSync(join(folder, 'file'), '');
    const file = bitwright('export', quantized, '--to', join(folder, 'file'), '--json');
    expect(file.json<{ error: { code: string } }>().error.code).toBe('EXPORT_FOLDER');
    const float = bitwright('export', join(MNIST, 'resnet8_ce.onnx'), '--to', to, '--json');
    expect(float.json<{ error: { code: string } }>().error.code).toBe('SIMULATE_FLOAT_MODEL');
    expect(existsSync(to)).toBe(false);
  });
});

describe('trace', () => {
  const traced = (...options: string[]) =>
    bitwright('trace', quantized, '/conv/Conv', '--data', evaluation, '--json', ...options);

  test('every product, and zero-point terms that make up the accumulator', () => {
    const result = traced('--output', '0,2,0,5', '--sample', '3');
    expect(result.code, result.stderr).toBe(0);
    const trace = result.json<{
      products: { product: number; sum: number; isPadding: boolean }[];
      zeroPointTerms: { raw: number; inputZero: number; weightZero: number; both: number };
      accumulator: number;
      bias: number;
      biased: number;
      unrounded: number;
      code: number;
      range: [number, number];
    }>();
    const { raw, inputZero, weightZero, both } = trace.zeroPointTerms;
    expect(raw - inputZero - weightZero + both).toBe(trace.accumulator);
    expect(trace.products.reduce((sum, { product }) => sum + product, 0)).toBe(trace.accumulator);
    expect(trace.products.at(-1)!.sum).toBe(trace.accumulator);
    expect(trace.products.some(({ isPadding }) => isPadding)).toBe(true);
    expect(trace.biased).toBe(trace.accumulator + trace.bias);
    const clamped = Math.min(Math.max(trace.unrounded, trace.range[0]), trace.range[1]);
    expect(Math.abs(trace.code - clamped)).toBeLessThanOrEqual(0.5001);
    const text = bitwright('trace', quantized, '/conv/Conv', '--data', evaluation, '--output', '0,2,0,5');
    expect(text.stdout).toContain('= accumulator');
  });

  test('a misspelt layer and an element that is not there', () => {
    const layer = bitwright(
      'trace',
      quantized,
      '/conv/Con',
      '--data',
      evaluation,
      '--output',
      '0,0,0,0',
      '--json',
    );
    expect(layer.json<{ error: { hint: string } }>().error.hint).toBe("Did you mean '/conv/Conv'?");
    const none = bitwright('trace', quantized, '--json');
    expect(none.code).toBe(2);
    const { error } = none.json<{ error: { code: string; hint: string } }>();
    expect(error.code).toBe('OPTION_MISSING');
    expect(error.hint).toContain("There are '/conv/Conv', '/layer1/conv1/Conv', ");
    expect(error.hint).toContain(' and 6 more. ');
    expect(error.hint).toContain(`bitwright trace ${quantized} /conv/Conv --output 0,0,0,0 --data test.json`);
    const given = bitwright(
      'trace',
      quantized,
      '--output',
      '0,1,2,3',
      '--data',
      evaluation,
      '--sample',
      '2',
      '--json',
    );
    expect(given.json<{ error: { hint: string } }>().error.hint).toContain(
      `bitwright trace ${quantized} /conv/Conv --output 0,1,2,3 --data ${evaluation} --sample 2`,
    );
    const odd = bitwright('trace', quantized, '--data', "it's; here.json", '--json');
    expect(odd.json<{ error: { hint: string } }>().error.hint).toContain("--data 'it'\\''s; here.json'");
    const place = traced('--output', '0,99,0,0');
    expect(place.code).toBe(2);
    expect(place.json<{ error: { code: string } }>().error.code).toBe('TRACE_OUTPUT');
  });
});
