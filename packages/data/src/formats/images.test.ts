import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { DataFolder, input } from '../../test/data-folder.js';
import type { ImageInput, ImagesCard } from '../data-card.js';

const folder = new DataFolder();
const image: ImageInput = { from: 'image' };
const model = input(['N', 3, 2, 2]);

/** A PNG of one colour; four components add an alpha channel, one makes it grey. */
async function png(name: string, colour: readonly number[], width = 2, height = 2): Promise<void> {
  const channels = colour.length as 1 | 3 | 4;
  const pixels = Uint8Array.from({ length: width * height * channels }, (_, i) => colour[i % channels]!);
  const encoded = sharp(pixels, { raw: { width, height, channels } });
  folder.write(name, await (channels === 1 ? encoded.toColourspace('b-w') : encoded).png().toBuffer());
}

beforeAll(async () => {
  await png('a/red_1.png', [200, 1, 2]);
  await png('a/grey_2.png', [77]);
  await png('b/alpha_3.png', [10, 20, 30, 128]);
  await png('wide.png', [5, 6, 7], 6, 4);
  folder.write('list.txt', 'b/alpha_3.png\n\na/red_1.png\n');
  folder.write('classes.txt', 'alpha\r\ngrey\r\nred\r\n');
  folder.write('table.csv', 'file,class\nred_1.png,4\na/grey_2.png,5\n');
});

/** The first value of each channel of each sample. */
const colours = (values: readonly number[]): number[][] =>
  Array.from({ length: values.length / 12 }, (_, i) => [0, 4, 8].map((c) => values[i * 12 + c]!));

describe('images', () => {
  it('takes globs in order of names, repeats grey and drops alpha', async () => {
    const { values } = await folder.read(
      { format: 'images', files: ['*/*.png'], inputs: { '*': image } },
      model,
    );
    expect(colours(values['x']!)).toEqual([
      [77, 77, 77],
      [200, 1, 2],
      [10, 20, 30],
    ]);
  });

  it('reads stored pixels whatever colour profile the file carries', async () => {
    const pixels = Uint8Array.from({ length: 12 }, (_, i) => [200, 60, 30][i % 3]!);
    const encoded = sharp(pixels, { raw: { width: 2, height: 2, channels: 3 } }).withIccProfile('p3');
    const bytes = await encoded.png().toBuffer();
    folder.write('p3.png', bytes);
    const stored = await sharp(bytes, { ignoreIcc: true }).raw().toBuffer();
    expect([...stored.subarray(0, 3)]).not.toEqual([...pixels.subarray(0, 3)]);
    const card = { format: 'images', files: ['p3.png'], inputs: { '*': image } } as const;
    expect(colours((await folder.read(card, model)).values['x']!)).toEqual([[...stored.subarray(0, 3)]]);
  });

  it('takes a list in its own order', async () => {
    const { values } = await folder.read(
      { format: 'images', list: 'list.txt', inputs: { '*': image } },
      model,
    );
    expect(colours(values['x']!)).toEqual([
      [10, 20, 30],
      [200, 1, 2],
    ]);
  });

  it('takes labels from folders, names and tables', async () => {
    const card = { format: 'images', files: ['*/*.png'], inputs: { '*': image } } as const;
    const labels = async (label: Pick<ImagesCard, 'label'>) =>
      (await folder.read({ ...card, ...label }, model)).labels;
    expect(await labels({ label: 'folder' })).toEqual([0, 0, 1]);
    expect(await labels({ label: { from: 'file-name', before: '_', classes: 'classes.txt' } })).toEqual([
      1, 2, 0,
    ]);
    expect(await labels({ label: { from: 'csv', file: 'table.csv', path: 'file', label: 'class' } })).toEqual(
      [5, 4, undefined],
    );
    expect(await labels({})).toEqual([undefined, undefined, undefined]);
  });

  it('takes one folder a class', async () => {
    const { labels } = await folder.read(
      { format: 'image-folder', files: ['.'], take: 3, inputs: { '*': image } },
      model,
    );
    expect(labels).toEqual([0, 0, 1]);
  });

  it('names an unreadable image', async () => {
    folder.write('bad/broken.png', 'not a png');
    const { code, at, message } = await folder.failure(
      { format: 'images', files: ['bad/*'], inputs: { '*': { ...image, resize: [2, 2] } } },
      model,
    );
    expect({ code, file: at.file }).toEqual({
      code: 'DATA_IMAGE_UNREADABLE',
      file: `${folder.path}/bad/broken.png`,
    });
    expect(message).toContain('broken.png');
  });

  it('names what is absent: a file, a file of a list, a glob without a match, an empty list', async () => {
    const card = { format: 'images', inputs: { '*': { ...image, resize: [2, 2] } } } as const;
    const file = await folder.failure({ ...card, files: ['absent.png'] }, model);
    expect({ code: file.code, file: file.at.file }).toEqual({
      code: 'FILE_ABSENT',
      file: `${folder.path}/absent.png`,
    });
    folder.write('gone.txt', 'a/red_1.png\ngone.png\n');
    const listed = await folder.failure({ ...card, list: 'gone.txt' }, model);
    expect(listed.message).toContain('1 of the 2 files');
    expect(listed.at.file).toContain('gone.png');
    const glob = await folder.failure({ ...card, files: ['none/*.jpg'] }, model);
    expect(glob.code).toBe('DATA_NO_FILES');
    expect(glob.message).toContain('none/*.jpg');
    folder.write('nothing.txt', '\n');
    expect((await folder.failure({ ...card, list: 'nothing.txt' }, model)).code).toBe('DATA_NO_FILES');
  });

  it('names an image of another size, and a crop that is too large', async () => {
    folder.write('sizes.txt', 'a/red_1.png\nwide.png\n');
    const size = await folder.failure(
      { format: 'images', list: 'sizes.txt', inputs: { '*': image } },
      input(['N', 3, 'h', 'w']),
    );
    expect(size.code).toBe('DATA_SHAPE');
    expect(size.at.file).toContain('wide.png');
    const crop = await folder.failure(
      { format: 'images', files: ['a/red_1.png'], inputs: { '*': { ...image, centerCrop: 3 } } },
      input(['N', 3, 3, 3]),
    );
    expect(crop.code).toBe('DATA_IMAGE_SIZE');
    expect(crop.message).toContain('red_1.png');
  });

  it('refuses a class that is not listed', async () => {
    folder.write('few.txt', 'grey\n');
    const card = {
      format: 'images',
      files: ['a/*.png'],
      inputs: { '*': image },
      label: { from: 'file-name', before: '_', classes: 'few.txt' },
    } as const;
    const { code, message } = await folder.failure(card, model);
    expect(code).toBe('DATA_LABEL');
    expect(message).toContain("'red'");
  });
});
