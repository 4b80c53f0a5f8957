import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bitwright, MNIST, temporaryFolder } from '../support/cli.js';

const folder = temporaryFolder();
const model = join(MNIST, 'resnet8_ce.onnx');
const calibration = join(MNIST, 'calibration.json');
const output = join(folder, 'out.onnx');

interface ErrorDocument {
  readonly error: { code: string; message: string; hint: string; at: Record<string, string> };
}

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Runs a quantization that must fail, and demands what every failure promises. */
function failing(args: string[], code: number): ErrorDocument['error'] {
  const before = readdirSync(folder).sort();
  const result = bitwright('quantize', ...args, '--json');
  expect(result.stderr).not.toMatch(/^\s+at .*\.js/m);
  expect(result.code, result.stderr).toBe(code);
  expect(existsSync(output)).toBe(false);
  expect(readdirSync(folder).sort()).toEqual(before);
  const { error } = result.json<ErrorDocument>();
  expect(error.hint).not.toBe('');
  expect(result.stderr).toContain(error.code);
  return error;
}

const quantizing = (path: string, data = calibration, ...more: string[]): string[] => [
  path,
  '-o',
  output,
  '--bits',
  'W8A8',
  '--data',
  data,
  '--samples',
  '32',
  ...more,
];

describe('a model that is not one', () => {
  it.each([
    ['text', () => write('text.onnx', 'hello, this is not a model at all'), /ONNX_NOT/],
    ['json', () => write('json.onnx', '{"model": 1}'), /ONNX_NOT/],
    ['truncated', () => write('truncated.onnx', readFileSync(model).subarray(0, 40_000)), /ONNX_/],
    ['empty', () => write('empty.onnx', ''), /ONNX_EMPTY/],
    ['a folder', () => folder, /FILE_IS_DIRECTORY/],
    ['absent', () => join(folder, 'absent.onnx'), /FILE_ABSENT/],
  ])('%s', (_, make, code) => {
    const path = make();
    const error = failing(quantizing(path), 1);
    expect(error.code).toMatch(code);
    expect(error.at['file']).toBe(path);
  });

  it('already quantized', () => {
    const quantized = join(folder, 'quantized.onnx');
    expect(
      bitwright('quantize', model, '-o', quantized, '--bits', '8', '--data', calibration, '--samples', '16')
        .code,
    ).toBe(0);
    const error = failing(quantizing(quantized), 1);
    expect(error.code).toBe('MODEL_ALREADY_QUANTIZED');
    expect(error.hint).toContain('--requantize');
  });
});

describe('data that does not fit', () => {
  const card = (name: string, content: object): string => write(name, JSON.stringify(content));
  const input = { from: 'image', channels: 'grey', layout: 'NCHW' };
  const files = ['calibration-images.idx3-ubyte', 'calibration-labels.idx1-ubyte'].map((name) =>
    join(MNIST, name),
  );

  it.each([
    ['not json', () => write('broken.json', '{ nope')],
    [
      'an unknown key',
      () => card('unknown.json', { format: 'idx', files, inputs: { '*': input }, lable: 'record' }),
    ],
    ['a wrong input name', () => card('name.json', { format: 'idx', files, inputs: { imaje: input } })],
    [
      'a wrong shape',
      () => card('shape.json', { format: 'idx', files, inputs: { '*': { ...input, resize: [20, 20] } } }),
    ],
    ['no files', () => card('none.json', { format: 'images', files: ['*.nothing'], inputs: { '*': input } })],
    ['zero samples', () => card('zero.json', { format: 'idx', files, skip: 512, inputs: { '*': input } })],
    ['absent', () => join(folder, 'absent.json')],
  ])('%s', (_, make) => {
    const path = make();
    const error = failing(quantizing(model, path), 1);
    expect(JSON.stringify(error)).toContain(path.split('/').at(-1));
  });

  it('an unreadable image, named', () => {
    mkdirSync(join(folder, 'images'));
    writeFileSync(join(folder, 'images', 'broken.png'), 'not a png');
    const path = card('unreadable.json', {
      format: 'images',
      files: ['images/*.png'],
      inputs: { '*': { ...input, resize: [28, 28] } },
    });
    expect(failing(quantizing(model, path), 1).message).toContain('broken.png');
  });

  it('NaN in an array, named', () => {
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1, 28, 28), }"
      .padEnd(117)
      .concat('\n');
    const values = new Float32Array(2 * 784);
    values[1000] = Number.NaN;
    const npy = Buffer.concat([
      Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0]),
      Buffer.from(header),
      Buffer.from(values.buffer),
    ]);
    write('nan.npy', npy);
    const path = card('nan.json', { format: 'npy', files: ['nan.npy'], inputs: { '*': {} } });
    expect(failing(quantizing(model, path), 1).message).toMatch(/NaN|finite/);
  });
});

describe('wrong usage', () => {
  it.each([
    ['a width that does not exist', ['--bits', 'W1A4'], 'BITS_INVALID', /2, 3, 4/],
    ['a width beyond 8', ['--bits', 'W9A9'], 'BITS_INVALID', /16/],
    ['not a width', ['--bits', 'four'], 'BITS_INVALID', /W4A4/],
    ['a misspelt option', ['--bits', '8', '--sheme', 'academic'], 'OPTION_UNKNOWN', /--scheme/],
    [
      'a misspelt backend',
      ['--bits', '8', '--backend', 'onnxruntime-cpi'],
      'BACKEND_UNKNOWN',
      /onnxruntime-cpu/,
    ],
    ['a misspelt method', ['--bits', '8', '--method', 'fastt'], 'OPTION_VALUE', /fast/],
    ['a misspelt scheme', ['--bits', '8', '--scheme', 'integer-onyl'], 'OPTION_VALUE', /integer-only/],
    ['a misspelt observer', ['--bits', '8', '--observer', 'mess'], 'OBSERVER_UNKNOWN', /mse/],
    [
      'a scheme with a backend',
      ['--bits', '8', '--scheme', 'academic', '--backend', 'onnxruntime-cpu'],
      'SCHEME_WITH_BACKEND',
      /out/,
    ],
    ['a budget of time', ['--bits', '8', '--budget', 'latency=5ms'], 'BUDGET_LATENCY', /--latency/],
    ['times without a budget', ['--bits', '8', '--latency', 'times.json'], 'OPTION_MISSING', /--budget/],
    ['a misspelt budget', ['--bits', '8', '--budget', 'sise=0.5'], 'OPTION_VALUE', /size/],
    ['a width that the dialect has not', ['--bits', 'W4A4', '--dialect', 'qdq'], 'DIALECT_WIDTH', /qcdq/],
  ])('%s', (_, options, code, hint) => {
    const error = failing([model, '-o', output, '--data', calibration, ...options], 2);
    expect(error.code).toBe(code);
    expect(error.hint).toMatch(hint);
  });

  it('an unknown command names the nearest', () => {
    const result = bitwright('quantise', model);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('quantize');
  });
});

describe('an output that cannot be written', () => {
  it('in a folder that does not exist', () => {
    const error = failing(
      [model, '-o', join(folder, 'no/such/out.onnx'), '--bits', '8', '--data', calibration],
      1,
    );
    expect(error.code).toBe('OUTPUT_UNWRITABLE');
  });

  it('that is a folder', () => {
    const error = failing([model, '-o', folder, '--bits', '8', '--data', calibration], 1);
    expect(error.code).toBe('OUTPUT_UNWRITABLE');
  });

  it.skipIf(process.getuid?.() === 0)('in a folder without permission', () => {
    const locked = join(folder, 'locked');
    mkdirSync(locked);
    chmodSync(locked, 0o500);
    expect(
      failing([model, '-o', join(locked, 'out.onnx'), '--bits', '8', '--data', calibration], 1).code,
    ).toBe('OUTPUT_UNWRITABLE');
  });
});

describe('a budget that is missed', () => {
  it('names the smallest cost of one that no widths keep', () => {
    const options = ['--bits', 'W4A4', '--data', calibration, '--samples', '8', '--budget', 'size=0.2'];
    const error = failing([model, '-o', output, ...options], 3);
    expect(error.code).toBe('BUDGET_IMPOSSIBLE');
    expect(error.hint).toMatch(/size=\d+, a share of 0\.25/);
  });

  it('exits with 3 and writes nothing', () => {
    const evaluation = join(MNIST, 'evaluation.json');
    const error = failing(
      [
        model,
        '-o',
        output,
        '--bits',
        'W2A2',
        '--scheme',
        'integer-only',
        '--data',
        calibration,
        '--samples',
        '64',
        '--max-drop',
        '1%',
        '--eval',
        evaluation,
      ],
      3,
    );
    expect(error.code).toBe('MAX_DROP_MISSED');
  });
});
