import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeTensor } from '@bitwright/onnx';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { bitwright, MNIST, temporaryFolder } from '../support/cli.js';

const folder = temporaryFolder();
const SAMPLES = 24;
const PIXELS = 28 * 28;

interface Evaluation {
  readonly models: readonly { readonly correct: number; readonly total: number }[];
}

/** The first images of the fixture as its card makes them, and their labels. */
const pixels = readFileSync(join(MNIST, 'evaluation-images.idx3-ubyte')).subarray(16, 16 + SAMPLES * PIXELS);
const labels = readFileSync(join(MNIST, 'evaluation-labels.idx1-ubyte')).subarray(8, 8 + SAMPLES);
const card = JSON.parse(readFileSync(join(MNIST, 'evaluation.json'), 'utf8'));
const { rescale = 1, mean = 0, std = 1 } = Object.values(card.inputs)[0] as Record<string, number | number[]>;
const number = (value: number | number[]): number => (typeof value === 'number' ? value : value[0]!);
const values = Float32Array.from(pixels, (pixel) => (pixel * number(rescale) - number(mean)) / number(std));

function npy(descr: string, shape: string, data: Uint8Array): Uint8Array {
  const header = `${`{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117)}\n`;
  return Buffer.concat([
    Buffer.from('\u0093NUMPY\u0001\u0000', 'latin1'),
    Buffer.from([header.length, 0]),
    Buffer.from(header),
    data,
  ]);
}

function evaluate(data: object): Evaluation['models'][number] {
  const path = join(folder, 'card.json');
  writeFileSync(path, JSON.stringify(data));
  const result = bitwright('evaluate', join(MNIST, 'resnet8_ce.onnx'), '--data', path, '--json');
  expect(result.code, result.stderr).toBe(0);
  return result.json<Evaluation>().models[0]!;
}

describe('the same samples in another format', () => {
  const images = new Uint8Array(values.buffer);
  const expected = (() => {
    const { files, ...rest } = card as { files: string[] };
    return evaluate({ ...rest, files: files.map((file) => join(MNIST, file)), take: SAMPLES });
  })();

  it('npz', () => {
    const archive = zipSync({
      'images.npy': npy('<f4', `(${SAMPLES}, 1, 28, 28)`, images),
      'y.npy': npy('|u1', `(${SAMPLES},)`, labels),
    });
    writeFileSync(join(folder, 'mnist.npz'), archive);
    const counted = evaluate({ format: 'npz', files: ['mnist.npz'], label: 'y' });
    expect(counted).toMatchObject({ correct: expected.correct, total: SAMPLES });
  });

  it('npy', () => {
    writeFileSync(join(folder, 'x.npy'), npy('<f4', `(${SAMPLES}, 1, 28, 28)`, images));
    writeFileSync(join(folder, 'y.npy'), npy('|u1', `(${SAMPLES},)`, labels));
    const counted = evaluate({ format: 'npy', files: ['x.npy'], label: { from: 'npy', file: 'y.npy' } });
    expect(counted).toMatchObject({ correct: expected.correct, total: SAMPLES });
  });

  it('onnx-tensors', () => {
    for (let i = 0; i < SAMPLES; i++) {
      const set = join(folder, `sets/test_data_set_${i}`);
      mkdirSync(set, { recursive: true });
      const rawData = images.slice(i * PIXELS * 4, (i + 1) * PIXELS * 4);
      writeFileSync(
        join(set, 'input_0.pb'),
        encodeTensor({ dims: [1n, 1n, 28n, 28n], dataType: 1, rawData }),
      );
    }
    const path = join(folder, 'tensors.json');
    writeFileSync(path, JSON.stringify({ format: 'onnx-tensors', files: ['sets/*'] }));
    const output = join(folder, 'out.onnx');
    const result = bitwright(
      'quantize',
      join(MNIST, 'resnet8_ce.onnx'),
      '-o',
      output,
      '--bits',
      '8',
      '--data',
      path,
      '--json',
    );
    expect(result.code, result.stderr).toBe(0);
    expect(result.json<{ samples: number }>().samples).toBe(SAMPLES);
  });
});
