import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DenseTensor, floatData } from '@bitwright/core';
import { openOrtNode } from '@bitwright/runtime';
import { quantize } from 'bitwright';
import { describe, expect, it } from 'vitest';
import { MNIST } from '../support/cli.js';
import { openOrtWeb } from '../support/ort-web.js';

const IMAGES = 32;
// a float kernel may fall to the other side of a rounding boundary; with float logits (academic) such a step is up to
// 1 % of their size, with quantized ones it is nothing or a whole code
const LARGEST_SHARE_OF_DIFFERING_CODES = 0.02;

function images(): Map<string, DenseTensor> {
  const bytes = readFileSync(join(MNIST, 'evaluation-images.idx3-ubyte')).subarray(16, 16 + IMAGES * 784);
  const x = Float32Array.from(bytes, (pixel) => (pixel / 255 - 0.1307) / 0.3081);
  return new Map([['image', new DenseTensor('float', [IMAGES, 1, 28, 28], x)]]);
}

describe.each(['integer-only', 'backend', 'academic'] as const)('scheme %s', (scheme) => {
  it.each([
    ['W8A8', 'qdq'],
    ['W8A8', 'qcdq'],
    ['W7A7', 'qcdq'],
    ['W6A6', 'qcdq'],
    ['W5A5', 'qcdq'],
    ['W4A4', 'qcdq'],
    ['W3A3', 'qcdq'],
    ['W2A2', 'qcdq'],
    ['W8A2', 'native'],
    ['W7A3', 'native'],
    ['W6A5', 'native'],
    ['W5A7', 'native'],
    ['W4A6', 'native'],
    ['W3A4', 'native'],
    ['W2A8', 'native'],
    ['W8A16', scheme === 'academic' ? 'qcdq' : 'qdq'],
    ['W16A16', scheme === 'academic' ? 'qcdq' : 'qdq'],
  ] as const)('%s in %s gives the same in onnxruntime-node and onnxruntime-web', async (bits, dialect) => {
    const { bytes } = await quantize(join(MNIST, 'resnet8_ce.onnx'), {
      bits,
      dialect,
      scheme,
      method: 'fast',
      data: join(MNIST, 'calibration.json'),
      samples: 32,
    });
    const logits: Float32Array[] = [];
    for (const open of [openOrtNode, openOrtWeb]) {
      const executor = await open(bytes);
      logits.push(floatData((await executor.run(images())).get('logits')!));
      await executor.release();
    }
    const [node, web] = logits as [Float32Array, Float32Array];
    const size = Math.max(...node.map(Math.abs));
    let differing = 0;
    for (let i = 0; i < node.length; i++)
      if (Math.abs(node[i]! - web[i]!) > size * (scheme === 'academic' ? 1e-2 : 1e-4)) differing++;
    expect(node.every(Number.isFinite)).toBe(true);
    expect(differing / node.length).toBeLessThanOrEqual(LARGEST_SHARE_OF_DIFFERING_CODES);
  });
});
