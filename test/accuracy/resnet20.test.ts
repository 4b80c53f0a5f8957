import { join } from 'node:path';
import { BitwrightError } from '@bitwright/core';
import { evaluateModels, quantize } from 'bitwright';
import { describe, expect, it } from 'vitest';
import { ASSETS } from '../support/cli.js';

/** Correct of 10 000, W and A alike, scheme integer-only, method fast, 1024 calibration images, int32 bias, stock session. */
const LEAST: readonly (readonly [bits: number, correct: number])[] = [
  [8, 9150],
  [7, 9145],
  [6, 9110],
  [5, 8900],
  [4, 8150],
  [3, 3300],
];

describe.skipIf(ASSETS === undefined)('ResNet-20 on CIFAR-10', () => {
  const model = join(ASSETS ?? '', 'models/resnet20_cifar10_bn.onnx');
  const calibration = join(ASSETS ?? '', 'data/cifar10_calibration.card.json');
  const evaluation = join(ASSETS ?? '', 'data/cifar10_test.card.json');

  it('is right 9173 times in float', async () => {
    const [result] = await evaluateModels([model], { data: evaluation });
    expect(result).toMatchObject({ correct: 9173, total: 10000, mode: 'default', convention: 'float' });
  });

  it.each(LEAST)('at %i bits is right at least %i times', async (bits, least) => {
    const { bytes } = await quantize(model, {
      bits: `W${bits}A${bits}`,
      scheme: 'integer-only',
      method: 'fast',
      data: calibration,
      samples: 1024,
    });
    const [result] = await evaluateModels([bytes], { data: evaluation });
    process.stdout.write(
      `ResNet-20 W${bits}A${bits}: ${result!.correct}/${result!.total}; ${result!.convention}\n`,
    );
    expect(result!.total).toBe(10000);
    expect(result!.correct).toBeGreaterThanOrEqual(least);
  });

  it('refuses data that belongs to another network', async () => {
    const data = join(ASSETS ?? '', 'data/imagenet_calibration_raw.card.json');
    await expect(quantize(model, { bits: '8', data, samples: 2 })).rejects.toThrow(BitwrightError);
  });
});
