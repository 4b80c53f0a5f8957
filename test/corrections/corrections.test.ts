import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { floatData } from '@bitwright/core';
import { openDataCard } from '@bitwright/data';
import { openOrtNode } from '@bitwright/runtime';
import { type QuantizeOptions, quantize } from 'bitwright';
import { describe, expect, it } from 'vitest';
import { bitwright, MNIST, temporaryFolder } from '../support/cli.js';

const folder = temporaryFolder();
const model = join(MNIST, 'resnet8_ce.onnx');
const data = join(MNIST, 'calibration.json');
const CLASSES = 10;

/** The card has images, no tensor files. */
const noTensors = (): never => {
  throw new Error('no tensor files here');
};

/** The mean score of each class over evaluation samples. */
async function meanScores(bytes: Uint8Array): Promise<Float64Array> {
  const executor = await openOrtNode(bytes, { threads: 1 });
  const input = executor.inputs[0]!;
  const samples = await openDataCard(join(MNIST, 'evaluation.json'), [input], {
    samples: 256,
    decodeTensor: noTensors,
  });
  const means = new Float64Array(CLASSES);
  for await (const batch of samples.batches(64)) {
    const [scores] = (await executor.run(batch.inputs)).values();
    for (const [i, score] of floatData(scores!).entries()) means[i % CLASSES]! += score / 256;
  }
  await executor.release();
  return means;
}

/** How far the mean scores of a quantization are from those of the float network, summed over the classes. */
async function meanError(options: QuantizeOptions): Promise<number> {
  const [float, quantized] = [
    await meanScores(readFileSync(model)),
    await meanScores((await quantize(model, options)).bytes),
  ];
  return float.reduce((sum, mean, c) => sum + Math.abs(mean - quantized[c]!), 0);
}

const ROUGH = { bits: 'W3A8', method: 'fast', rounding: 'nearest', samples: 128 } as const;

describe('corrections of quantization error', () => {
  it('need no data for biases: saved ranges are enough, and the mean error of the outputs falls', async () => {
    const ranges = join(folder, 'ranges.json');
    await quantize(model, { ...ROUGH, data, saveRanges: ranges });
    const before = await meanError({ ...ROUGH, ranges });
    const after = await meanError({ ...ROUGH, ranges, correct: ['bias-analytic'] });
    expect(after).toBeLessThan(0.8 * before);
  });

  it('tell what became of each layer, and why one was left alone', async () => {
    const { corrections } = await quantize(model, { ...ROUGH, data, correct: ['bias-analytic'] });
    const first = corrections.find(({ node }) => node === '/conv/Conv');
    expect(first).toEqual({
      correction: 'bias-analytic',
      node: '/conv/Conv',
      applied: false,
      detail: "no batch normalization states the mean of its input 'image'",
    });
    expect(corrections.filter(({ applied }) => applied).length).toBeGreaterThan(corrections.length / 2);
  });

  it('bring mean and deviation back with the weight scales of fast, layer by layer', async () => {
    const { corrections } = await quantize(model, { ...ROUGH, data, correct: ['statistics'] });
    const names = new Set(corrections.map(({ correction }) => correction));
    expect(names).toEqual(new Set(['statistics', 'bias-empirical']));
    const before = await meanError({ ...ROUGH, data });
    expect(await meanError({ ...ROUGH, data, correct: ['statistics'] })).toBeLessThan(before / 2);
  });

  it('refuse scales that serve a whole tensor, by name', async () => {
    const { corrections } = await quantize(model, {
      ...ROUGH,
      data,
      granularity: 'per-tensor',
      correct: ['statistics'],
    });
    const scales = corrections.filter(({ correction }) => correction === 'statistics');
    expect(scales.every(({ applied }) => !applied)).toBe(true);
    expect(scales[0]!.detail).toBe('its output channels have no weight scales of their own');
  });

  it('change the float network first, and name every place that they leave alone', async () => {
    const names = ['equalize-clip', 'clip-to-relu', 'absorb-bias'];
    const { corrections } = await quantize(model, {
      bits: '8',
      method: 'fast',
      data,
      samples: 16,
      correct: names,
    });
    const of = (name: string) => corrections.filter(({ correction }) => correction === name);
    expect(of('equalize-clip').some(({ applied }) => applied)).toBe(true);
    expect(of('absorb-bias').some(({ detail }) => detail.includes('pads with zeros'))).toBe(true);
    // this network has no Clip
    expect(of('clip-to-relu')).toEqual([]);
    const ranges = join(folder, 'ranges-8.json');
    await quantize(model, { bits: '8', method: 'fast', data, samples: 16, saveRanges: ranges });
    const without = quantize(model, { bits: '8', method: 'fast', ranges, correct: ['equalize-clip'] });
    await expect(without).rejects.toMatchObject({ code: 'DATA_NEEDED' });
  });

  it('reach the command line, which prints what was done', () => {
    const args = [model, '-o', join(folder, 'out.onnx'), '--bits', 'W4A4', '--data', data, '--samples', '16'];
    const told = bitwright('quantize', ...args, '--method', 'fast', '--correct', 'bias-analytic');
    expect(told.code, told.stderr).toBe(0);
    expect(told.stdout).toMatch(/bias-analytic: made at \d+ of \d+ places/);
    const wrong = bitwright('quantize', ...args, '--correct', 'bias-analitic', '--json');
    expect(wrong.code).toBe(2);
    expect(wrong.json<{ error: { code: string; hint: string } }>().error).toMatchObject({
      code: 'CORRECTION_UNKNOWN',
      hint: expect.stringContaining('bias-analytic') as string,
    });
    const both = bitwright('quantize', ...args, '--correct', 'bias-analytic,bias-empirical', '--json');
    expect(both.json<{ error: { code: string } }>().error.code).toBe('CORRECTION_CONFLICT');
  });
});
