import { describe, expect, it } from 'vitest';
import { DataFolder, input, tensorFile } from '../../test/data-folder.js';

const folder = new DataFolder();
const x = input(['N', 2]);
for (const set of [0, 2, 10]) {
  folder.write(`sets/test_data_set_${set}/input_0.pb`, tensorFile([1, 2], [set, set + 0.5]));
  folder.write(`sets/test_data_set_${set}/output_0.pb`, 'never read');
}
folder.write('empty/readme.txt', '');

describe('onnx-tensors', () => {
  it.each([
    ['a folder of folders', ['sets']],
    ['a glob of folders', ['sets/test_data_set_*']],
    ['a glob of files', ['sets/*/input_0.pb']],
    ['folders by name', ['sets/test_data_set_0', 'sets/test_data_set_2', 'sets/test_data_set_10']],
  ])('takes %s, one sample a folder, in the order of their numbers', async (_, files) => {
    const { values, shapes } = await folder.read({ format: 'onnx-tensors', files }, x);
    expect(values['x']).toEqual([0, 0.5, 2, 2.5, 10, 10.5]);
    expect(shapes).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
  });

  it('lets an open size differ from sample to sample', async () => {
    folder.write('text/0/input_0.pb', tensorFile([1, 3], [1, 2, 3], '', 'int64'));
    folder.write('text/1/input_0.pb', tensorFile([1, 1], [4], '', 'int64'));
    const { values, shapes } = await folder.read(
      { format: 'onnx-tensors', files: ['text'] },
      input(['N', 'length'], 'int64'),
    );
    expect(values['x']).toEqual([1, 2, 3, 4]);
    expect(shapes).toEqual([
      [1, 3],
      [1, 1],
    ]);
  });

  it('gives tensors to inputs by their names, by the card, and by their numbers', async () => {
    folder.write('named/0/a.pb', tensorFile([1], [1], 'second'));
    folder.write('named/0/b.pb', tensorFile([1], [2], 'first'));
    folder.write('named/0/input_2.pb', tensorFile([1], [3]));
    folder.write('named/0/c.pb', tensorFile([1], [4]));
    const inputs = ['first', 'second', 'third', 'fourth'].map((name) => input([1], 'float', name));
    const { values } = await folder.read(
      {
        format: 'onnx-tensors',
        files: ['named'],
        inputs: { first: {}, second: {}, third: {}, fourth: { file: 'c.pb' } },
      },
      inputs,
    );
    expect(values).toEqual({ first: [2], second: [1], third: [3], fourth: [4] });
  });

  it('puts tensors without a batch side by side', async () => {
    folder.write('rows/0/input_0.pb', tensorFile([2], [1, 2]));
    folder.write('rows/1/input_0.pb', tensorFile([2], [3, 4]));
    const { values, shapes } = await folder.read({ format: 'onnx-tensors', files: ['rows'] }, x);
    expect(values['x']).toEqual([1, 2, 3, 4]);
    expect(shapes).toEqual([[2, 2]]);
  });

  it('says which input has no tensor', async () => {
    const { code, message, at } = await folder.failure({ format: 'onnx-tensors', files: ['sets'] }, [
      x,
      input([1], 'float', 'state'),
    ]);
    expect(code).toBe('DATA_TENSOR_MISSING');
    expect(message).toContain("'state'");
    expect(at.file).toContain('test_data_set_0');
  });

  it('names the file of another shape, of NaN, and of no tensor', async () => {
    const wrong = await folder.failure({ format: 'onnx-tensors', files: ['sets'] }, input(['N', 3]));
    expect(wrong.code).toBe('DATA_SHAPE');
    folder.write('mixed/0/input_0.pb', tensorFile([1, 2], [0, 0]));
    folder.write('mixed/1/input_0.pb', tensorFile([1, 3], [0, 0, 0]));
    const other = await folder.failure({ format: 'onnx-tensors', files: ['mixed'] }, x);
    expect(other.code).toBe('DATA_SHAPE');
    expect(other.at.file).toContain('mixed/1/input_0.pb');
    folder.write(
      'nan/0/input_0.pb',
      '{"dims":[1,2],"values":[0,null],"name":"","dtype":"float"}'.replace('null', '1e999'),
    );
    const nan = await folder.failure({ format: 'onnx-tensors', files: ['nan'] }, x);
    expect(nan.code).toBe('DATA_NOT_FINITE');
    expect(nan.message).toContain('nan/0/input_0.pb');
    folder.write('broken/0/input_0.pb', 'no tensor');
    const broken = await folder.failure({ format: 'onnx-tensors', files: ['broken'] }, x);
    expect(broken.code).toBe('ONNX_NOT_A_TENSOR');
  });

  it.each([
    ['a folder', ['empty']],
    ['a glob', ['empty/*']],
    ['a glob of nothing', ['nothing/*.pb']],
  ])('refuses %s without tensors', async (_, files) => {
    const { code } = await folder.failure({ format: 'onnx-tensors', files }, x);
    expect(code).toBe('DATA_NO_FILES');
  });
});
