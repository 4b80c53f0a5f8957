import { describe, expect, it } from 'vitest';
import { cifar, DataFolder, idx, input } from '../../test/data-folder.js';
import type { ImageInput } from '../data-card.js';

const folder = new DataFolder();
const image: ImageInput = { from: 'image' };

/** The distinct values of each of three planes or interleaved channels. */
function planes(values: readonly number[], size: number): number[] {
  return [0, size, 2 * size].map((start) => {
    const [first] = values.slice(start);
    expect(new Set(values.slice(start, start + size))).toEqual(new Set([first]));
    return first!;
  });
}

describe('cifar10-binary', () => {
  folder.write('a.bin', cifar(3));
  folder.write('b.bin', cifar(2));
  const model = input(['N', 3, 32, 32]);

  it('gives planes of red, green and blue, and the labels', async () => {
    const { values, labels, shapes } = await folder.read(
      { format: 'cifar10-binary', files: ['a.bin', 'b.bin'], inputs: { '*': image }, label: 'record' },
      model,
      { labels: 'needed' },
    );
    expect(shapes).toEqual([
      [4, 3, 32, 32],
      [1, 3, 32, 32],
    ]);
    expect(labels).toEqual([0, 1, 2, 0, 1]);
    for (const [sample, value] of [0, 1, 2, 0, 1].entries())
      expect(planes(values['x']!.slice(sample * 3072), 1024)).toEqual([value, value + 50, value + 100]);
  });

  it('computes (pixel * rescale - mean) / std for each channel, in double precision and rounded once', async () => {
    const mean = [0.485, 0.456, 0.406];
    const std = [0.229, 0.224, 0.225];
    const { values } = await folder.read(
      {
        format: 'cifar10-binary',
        files: ['a.bin'],
        skip: 2,
        inputs: { '*': { ...image, rescale: 1 / 255, mean, std } },
      },
      model,
    );
    const expected = [2, 52, 102].map((pixel, c) => Math.fround((pixel * (1 / 255) - mean[c]!) / std[c]!));
    expect(planes(values['x']!, 1024)).toEqual(expected);
  });

  it('reorders channels, and lays them out last', async () => {
    const card = { format: 'cifar10-binary', files: ['a.bin'], skip: 1, take: 1 } as const;
    const bgr = await folder.read({ ...card, inputs: { '*': { ...image, channels: 'BGR' } } }, model);
    expect(planes(bgr.values['x']!, 1024)).toEqual([101, 51, 1]);
    const last = await folder.read(
      { ...card, inputs: { '*': { ...image, layout: 'NHWC' } } },
      input(['N', 32, 32, 3]),
    );
    expect(last.values['x']!.slice(0, 6)).toEqual([1, 51, 101, 1, 51, 101]);
  });

  it('makes grey by the weights of ITU-R 601, as Pillow does', async () => {
    const { values } = await folder.read(
      {
        format: 'cifar10-binary',
        files: ['a.bin'],
        take: 1,
        inputs: { '*': { ...image, channels: 'grey' } },
      },
      input(['N', 1, 32, 32]),
    );
    // 0.299 * 0 + 0.587 * 50 + 0.114 * 100 = 40.75
    expect(new Set(values['x'])).toEqual(new Set([41]));
  });

  it('names a truncated file and a label that is none', async () => {
    folder.write('short.bin', cifar(2).subarray(0, 4000));
    const card = { format: 'cifar10-binary', inputs: { '*': image }, label: 'record' } as const;
    const short = await folder.failure({ ...card, files: ['short.bin'] }, model);
    expect(short.code).toBe('DATA_TRUNCATED');
    expect(short.at.file).toBe(`${folder.path}/short.bin`);
    const wrong = cifar(2);
    wrong[3073] = 10;
    folder.write('label.bin', wrong);
    const label = await folder.failure({ ...card, files: ['label.bin'] }, model);
    expect(label.code).toBe('DATA_LABEL');
    expect(label.message).toContain('Record 1');
  });
});

describe('idx', () => {
  folder.write('images.idx', idx([2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));
  folder.write('labels.idx', idx([2], [7, 3]));
  const card = {
    format: 'idx',
    files: ['images.idx', 'labels.idx'],
    inputs: { '*': { ...image, channels: 'grey' } },
  } as const;

  it('gives rows of pixels and the labels', async () => {
    const { values, labels } = await folder.read(card, input(['N', 1, 2, 3]));
    expect(values['x']).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(labels).toEqual([7, 3]);
  });

  it('repeats grey for a model of three channels', async () => {
    const { values } = await folder.read({ ...card, inputs: { '*': image }, take: 1 }, input(['N', 3, 2, 3]));
    expect(values['x']).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
  });

  it('gives integers to an integer input, and refuses fractions', async () => {
    const bytes = await folder.read(card, input(['N', 1, 2, 3], 'uint8'));
    expect(bytes.values['x']!.slice(0, 3)).toEqual([1, 2, 3]);
    const scaled = { ...card, inputs: { '*': { ...image, channels: 'grey', rescale: 0.5 } } } as const;
    const { code } = await folder.failure(scaled, input(['N', 1, 2, 3], 'uint8'));
    expect(code).toBe('DATA_INEXACT');
  });

  it.each([
    ['is no idx file', idx([2], [1, 2]), 'DATA_IDX'],
    ['is short', idx([2, 2, 3], [1, 2, 3]), 'DATA_TRUNCATED'],
  ])('names a file of images that %s', async (_, content, expected) => {
    folder.write('bad.idx', content);
    const { code, at } = await folder.failure({ ...card, files: ['bad.idx'] }, input(['N', 1, 2, 3]));
    expect({ code, file: at.file }).toEqual({ code: expected, file: `${folder.path}/bad.idx` });
  });

  it('wants one label an image', async () => {
    folder.write('three.idx', idx([3], [1, 2, 3]));
    const { code, message } = await folder.failure(
      { ...card, files: ['images.idx', 'three.idx'] },
      input(['N', 1, 2, 3]),
    );
    expect(code).toBe('DATA_IDX');
    expect(message).toContain('3 labels for 2 images');
  });

  it('says what to change for a wrong shape', async () => {
    const grey = await folder.failure({ ...card, inputs: { '*': image } }, input(['N', 1, 2, 4]));
    expect(grey.code).toBe('DATA_SHAPE');
    expect(grey.hint).toContain('grey');
    const layout = await folder.failure({ ...card, inputs: { '*': image } }, input(['N', 2, 3, 3]));
    expect(layout.hint).toContain('NHWC');
    const size = await folder.failure(card, input(['N', 1, 28, 28]));
    expect(size.hint).toContain('resize');
  });
});
