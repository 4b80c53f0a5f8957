import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { captureModel } from '@bitwright/capture';
import { detectDialect } from '@bitwright/dialects';
import { evaluateModels, quantize } from 'bitwright';
import { describe, expect, it } from 'vitest';
import { lifted, quantizersOf } from '../dialects/support.js';
import { bitwright, MNIST, temporaryFolder } from '../support/cli.js';

const folder = temporaryFolder();
const model = join(MNIST, 'resnet8_ce.onnx');
const data = join(MNIST, 'calibration.json');
const evaluation = join(MNIST, 'evaluation.json');
const path = (name: string): string => join(folder, name);

function run(...args: string[]): { diagnostics: { code: string }[]; dialect: string; samples: number } {
  const result = bitwright('quantize', ...args, '--json');
  expect(result.code).toBe(0);
  return result.json();
}

const quantizersIn = (file: string) => {
  const bytes = readFileSync(file);
  return quantizersOf(lifted(bytes, detectDialect(captureModel(bytes))!).module);
};

describe('quantize --requantize', () => {
  const w4a4 = path('w4a4.onnx');

  it('goes from dialect to dialect with every code, without data', () => {
    run(model, '-o', w4a4, '--bits', 'W4A4', '--data', data, '--samples', '32', '--method', 'fast');
    const before = quantizersIn(w4a4);
    expect(before.size).toBeGreaterThan(20);
    for (const [from, to, widths] of [
      ['w4a4.onnx', 'native', []],
      ['native.onnx', 'qcdq', ['--bits', 'W4A4']],
      ['native.onnx', 'auto', ['--bits', 'W4A4', '--data', data, '--method', 'fast']],
    ] as const) {
      const result = run(path(from), '-o', path(`${to}.onnx`), '--requantize', '--dialect', to, ...widths);
      expect(result.dialect).toBe(to === 'auto' ? 'qcdq' : to);
      expect(result.diagnostics.map(({ code }) => code)).toEqual(['REQUANTIZE_CODES_KEPT']);
      expect(quantizersIn(path(`${to}.onnx`))).toEqual(before);
    }
    expect(bitwright('inspect', path('native.onnx')).stdout).toContain('dialect native');
  });

  it('goes from W8A8 to W4A6, nearly as well as from the float model', async () => {
    const { bytes: eight } = await quantize(model, { bits: '8', data, samples: 64, method: 'fast' });
    const options = { bits: 'W4A6', data, samples: 64, method: 'fast' } as const;
    const { bytes: direct } = await quantize(model, options);
    const { bytes: again, layers, diagnostics } = await quantize(eight, { ...options, requantize: true });
    expect(diagnostics.map(({ code }) => code)).not.toContain('REQUANTIZE_CODES_KEPT');
    expect(layers.filter(({ weights }) => weights?.bits === 4)).toHaveLength(10);
    const [a, b] = await evaluateModels([direct, again], { data: evaluation, samples: 500 });
    expect(a!.convention).toBe(b!.convention);
    expect(Math.abs(a!.correct - b!.correct)).toBeLessThanOrEqual(15);
  });

  it('names what stands in the way', () => {
    const failing = (...args: string[]): string => {
      const result = bitwright('quantize', ...args, '-o', path('never.onnx'), '--json');
      return `${result.code} ${result.json<{ error: { code: string } }>().error.code}`;
    };
    expect(failing(w4a4, '--bits', 'W4A4', '--data', data)).toBe('1 MODEL_ALREADY_QUANTIZED');
    expect(failing(w4a4, '--requantize', '--dialect', 'qdq')).toBe('2 DIALECT_WIDTH');
    expect(failing(w4a4, '--requantize', '--dialect', 'qonnx')).toBe('1 DIALECT_ZERO_POINT');
    expect(failing(w4a4, '--requantize', '--bits', 'W3A3')).toBe('2 DATA_NEEDED');
    expect(failing(w4a4, '--requantize', '--observer', 'mse')).toBe('2 OPTION_MISSING');
    expect(failing(model, '--requantize', '--dialect', 'native')).toBe('2 OPTION_MISSING');
  });
});
