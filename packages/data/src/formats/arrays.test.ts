import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { DataFolder, input, npy } from '../../test/data-folder.js';

const folder = new DataFolder();
const quarters = Float32Array.from({ length: 12 }, (_, i) => i / 4);
const x = input(['N', 2, 2]);

// numpy 2.4.6: savez_compressed(file, x=np.arange(12, dtype=np.float32).reshape(3, 2, 2) / 4, y=np.array([2, 0, 1]))
const BY_NUMPY =
  'UEsDBC0AAAAIAAAAIQDyZ6HR//////////8FABQAeC5ucHkBABAAsAAAAAAAAABpAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GsY6CkZApKmjUKtAHuBiAIMGOyBhz8DgAMQNQLwAiA8A8QMgZnBgYBAAYgUgNnAAAFBLAwQtAAAACAAAACEAihrOE///////////BQAUAHkubnB5AQAQAJgAAAAAAAAASgAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2mhrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RrGOpo6CrUKFAAuJgZUwAilAVBLAQItAy0AAAAIAAAAIQDyZ6HRaQAAALAAAAAFAAAAAAAAAAAAAACAAQAAAAB4Lm5weVBLAQItAy0AAAAIAAAAIQCKGs4TSgAAAJgAAAAFAAAAAAAAAAAAAACAAaAAAAB5Lm5weVBLBQYAAAAAAgACAGYAAAAhAQAAAAA=';

describe('npy', () => {
  folder.write('x.npy', npy('<f4', [3, 2, 2], quarters));
  folder.write('more.npy', npy('<f4', [1, 2, 2], Float32Array.of(9, 8, 7, 6)));
  folder.write('wide.npy', npy('<f8', [2, 3], Float64Array.of(0.1, 0, 1, 2, 3, 4)));
  folder.write('labels.npy', npy('<i8', [3], BigInt64Array.of(2n, 0n, 1n)));
  folder.write('fractions.npy', npy('<f4', [3], Float32Array.of(1, 2, 3)));

  it('gives the rows in order, in batches of the size asked for', async () => {
    const { values, shapes } = await folder.read({ format: 'npy', files: ['x.npy'] }, x, { batchSize: 2 });
    expect(values['x']).toEqual([...quarters]);
    expect(shapes).toEqual([
      [2, 2, 2],
      [1, 2, 2],
    ]);
  });

  it('lets several files follow each other', async () => {
    const { values, shapes } = await folder.read({ format: 'npy', files: ['x.npy', 'more.npy'] }, x);
    expect(values['x']).toEqual([...quarters, 9, 8, 7, 6]);
    expect(shapes).toEqual([[4, 2, 2]]);
  });

  it('converts to the type of the model, rounding floats once', async () => {
    const { values } = await folder.read({ format: 'npy', files: ['wide.npy'] }, input(['N', 3]));
    expect(values['x']).toEqual([Math.fround(0.1), 0, 1, 2, 3, 4]);
  });

  it('fills several inputs, each from a file, and takes labels from one', async () => {
    const { values, labels } = await folder.read(
      {
        format: 'npy',
        inputs: { x: { file: 'x.npy' }, size: { value: 5, shape: [1] } },
        label: { from: 'npy', file: 'labels.npy' },
      },
      [x, input([1], 'int64', 'size')],
      { labels: 'needed' },
    );
    expect(values['x']).toEqual([...quarters]);
    expect(values['size']).toEqual([5, 5, 5]);
    expect(labels).toEqual([2, 0, 1]);
  });

  it.each([
    ['is not an array', 'text.npy', 'not an array at all', 'is not a .npy array'],
    ['is truncated', 'short.npy', npy('<f4', [3, 2, 2], quarters).slice(0, -8), 'where its header promises'],
    ['is in Fortran order', 'fortran.npy', npy('<f4', [3, 2, 2], quarters, true), 'Fortran'],
    ['is big-endian', 'big.npy', npy('>f4', [3, 2, 2], quarters), 'big-endian'],
    ['holds strings', 'strings.npy', npy('<U3', [1, 2, 2], quarters), '<U3'],
    ['is a scalar', 'scalar.npy', npy('<f4', [], quarters), 'a single number'],
  ])('names a file that %s', async (_, name, content, said) => {
    folder.write(name, content);
    const { code, at, message } = await folder.failure({ format: 'npy', files: [name] }, x);
    expect({ code, file: at.file }).toEqual({ code: 'DATA_NPY', file: `${folder.path}/${name}` });
    expect(message).toContain(said);
  });

  it.each([
    ['NaN', Number.NaN],
    ['infinity', Number.NEGATIVE_INFINITY],
  ])('names file, sample and element of %s', async (word, value) => {
    const values = quarters.slice();
    values[6] = value;
    folder.write(`${word}.npy`, npy('<f4', [3, 2, 2], values));
    const { code, message } = await folder.failure({ format: 'npy', files: [`${word}.npy`] }, x);
    expect(code).toBe('DATA_NOT_FINITE');
    expect(message).toContain(`Sample 1 of '${folder.path}/${word}.npy' holds ${word} at element 2`);
  });

  it('refuses numbers that the input cannot hold', async () => {
    const { code, message } = await folder.failure(
      { format: 'npy', files: ['x.npy'] },
      input(['N', 2, 2], 'int64'),
    );
    expect(code).toBe('DATA_INEXACT');
    expect(message).toContain('0.25');
  });

  it('names both shapes when they do not agree', async () => {
    const { code, message } = await folder.failure({ format: 'npy', files: ['x.npy'] }, input(['N', 3, 2]));
    expect(code).toBe('DATA_SHAPE');
    expect(message).toContain('[2, 2]');
    expect(message).toContain('[N, 3, 2]');
  });

  it('refuses arrays of different lengths, and of different shapes behind each other', async () => {
    const lengths = await folder.failure(
      { format: 'npy', inputs: { x: { file: 'x.npy' }, y: { file: 'more.npy' } } },
      [x, input(['N', 2, 2], 'float', 'y')],
    );
    expect(lengths.message).toContain("more.npy' holds 1 samples");
    const shapes = await folder.failure({ format: 'npy', files: ['x.npy', 'wide.npy'] }, x);
    expect(shapes.message).toContain('another shape');
  });

  it('refuses labels that are no classes or not one a sample', async () => {
    const card = { format: 'npy', files: ['x.npy'] } as const;
    const fractions = await folder.failure({ ...card, label: { from: 'npy', file: 'fractions.npy' } }, x);
    expect(fractions.code).toBe('DATA_NPY');
    const count = await folder.failure(
      { format: 'npy', files: ['more.npy'], label: { from: 'npy', file: 'labels.npy' } },
      x,
    );
    expect(count.message).toContain('holds 3 samples');
  });

  it('asks for a file where an input has none', async () => {
    const { code, hint } = await folder.failure(
      { format: 'npy', files: ['x.npy'], inputs: { x: {}, y: {} } },
      [x, input(['N', 2, 2], 'float', 'y')],
    );
    expect(code).toBe('DATA_CARD_VALUE');
    expect(hint).toContain('"file"');
  });
});

describe('npz', () => {
  const archive = (arrays: Record<string, Uint8Array>, level: 0 | 6 = 6): Uint8Array =>
    zipSync(Object.fromEntries(Object.entries(arrays).map(([name, bytes]) => [`${name}.npy`, bytes])), {
      level,
    });
  folder.write('numpy.npz', Buffer.from(BY_NUMPY, 'base64'));

  it('reads what numpy writes, with labels', async () => {
    const { values, labels } = await folder.read(
      { format: 'npz', files: ['numpy.npz'], inputs: { x: {} }, label: 'y' },
      x,
      { labels: 'needed' },
    );
    expect(values['x']).toEqual([...quarters]);
    expect(labels).toEqual([2, 0, 1]);
  });

  it('takes one array an input, by its name or the one that the card gives', async () => {
    folder.write(
      'two.npz',
      archive(
        { a: npy('<f4', [2, 1], Float32Array.of(1, 2)), b: npy('<i8', [2, 1], BigInt64Array.of(3n, 4n)) },
        0,
      ),
    );
    const { values } = await folder.read(
      { format: 'npz', files: ['two.npz'], inputs: { a: {}, ids: { from: 'array', array: 'b' } } },
      [input(['N', 1], 'float', 'a'), input(['N', 1], 'int64', 'ids')],
    );
    expect(values).toEqual({ a: [1, 2], ids: [3, 4] });
  });

  it('gives the only array to the only input, whatever its name', async () => {
    folder.write('arr_0.npz', archive({ arr_0: npy('<f4', [3, 2, 2], quarters) }));
    const { values } = await folder.read({ format: 'npz', files: ['arr_0.npz'] }, x);
    expect(values['x']).toEqual([...quarters]);
  });

  it('names the nearest array for a wrong name', async () => {
    const wrong = await folder.failure(
      { format: 'npz', files: ['numpy.npz'], inputs: { x: { array: 'xx' } } },
      x,
    );
    expect(wrong.code).toBe('DATA_NPZ');
    expect(wrong.hint).toContain("'x'");
    const label = await folder.failure({ format: 'npz', files: ['numpy.npz'], label: 'labels' }, x);
    expect(label.at.option).toBe('label');
  });

  it.each([
    ['text', 'this is no archive'],
    ['a truncated archive', Buffer.from(BY_NUMPY, 'base64').subarray(0, 200)],
  ])('refuses %s', async (_, content) => {
    folder.write('broken.npz', content);
    const { code, at } = await folder.failure({ format: 'npz', files: ['broken.npz'] }, x);
    expect({ code, file: at.file }).toEqual({ code: 'DATA_NPZ', file: `${folder.path}/broken.npz` });
  });

  it('names archive, array and sample of NaN', async () => {
    folder.write('nan.npz', archive({ x: npy('<f4', [2, 1], Float32Array.of(0, Number.NaN)) }));
    const { code, message } = await folder.failure({ format: 'npz', files: ['nan.npz'] }, input(['N', 1]));
    expect(code).toBe('DATA_NOT_FINITE');
    expect(message).toContain("Sample 1 of '");
    expect(message).toContain('nan.npz/x.npy');
  });
});
