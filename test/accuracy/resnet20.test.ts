import { join } from 'node:path';
import { BitwrightError } from '@bitwright/core';
import { evaluateModels, quantize } from 'bitwright';
import { describe, expect, it } from 'vitest';
import { ASSETS } from '../support/cli.js';

/** Correct of the first 2000, 512 calibration images, int32 bias, stock session: well below what is measured, see docs/reference/accuracy.md. */
const LEAST = [
  ['fast', 'integer-only', 'W8A8', 1810],
  ['fast', 'integer-only', 'W4A4', 1560],
  ['balanced', 'academic', 'W2A2', 1480],
] as const;

describe.skipIf(ASSETS === undefined)('ResNet-20 on CIFAR-10', () => {
  const model = join(ASSETS ?? '', 'models/resnet20_cifar10_bn.onnx');
  const calibration = join(ASSETS ?? '', 'data/cifar10_calibration.card.json');
  const evaluation = join(ASSETS ?? '', 'data/cifar10_test.card.json');

  it('is right 9173 times in float', async () => {
    const [result] = await evaluateModels([model], { data: evaluation });
    expect(result).toMatchObject({ correct: 9173, total: 10000, mode: 'default', convention: 'float' });
  });

  it.each(LEAST)(
    'with %s, %s, %s is right at least %i times',
    async (method, scheme, bits, least) => {
      const { bytes } = await quantize(model, { bits, scheme, method, data: calibration, samples: 512 });
      const [result] = await evaluateModels([bytes], { data: evaluation, samples: 2000 });
      process.stdout.write(`ResNet-20 ${bits}: ${result!.correct}/${result!.total}; ${result!.convention}\n`);
      expect(result!.total).toBe(2000);
      expect(result!.correct).toBeGreaterThanOrEqual(least);
    },
    300_000,
  );

  it('refuses data that belongs to another network', async () => {
    const data = join(ASSETS ?? '', 'data/imagenet_calibration_raw.card.json');
    await expect(quantize(model, { bits: '8', data, samples: 2 })).rejects.toThrow(BitwrightError);
  });
});
