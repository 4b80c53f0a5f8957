import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reportDocument } from '@bitwright/analyze';
import { simulateModel } from 'bitwright';
import { beforeAll, expect, test } from 'vitest';
import { bitwright, MNIST, temporaryFolder } from '../support/cli.js';

const folder = temporaryFolder();
const quantized = join(folder, 'w4a4.onnx');
const evaluation = join(MNIST, 'evaluation.json');
const calibration = join(MNIST, 'calibration.json');

beforeAll(() => {
  const made = bitwright(
    ...['quantize', join(MNIST, 'resnet8_ce.onnx'), '-o', quantized, '--bits', 'W4A4'],
    ...['--scheme', 'integer-only', '--data', calibration, '--samples', '128'],
  );
  expect(made.code, made.stderr).toBe(0);
}, 240_000);

interface SimulateDocument {
  readonly hardware: string;
  readonly correct: number[];
  readonly total: number;
  readonly layers: {
    name: string;
    accumulatorBits: { worstCase: number; onData: number };
    overflows: number;
    snr?: Record<string, number | null>;
  }[];
  readonly sweeps: { parameter: string; points: { value: number; correct: number[] }[] }[];
}

function simulated(...options: string[]): SimulateDocument {
  const result = bitwright('simulate', quantized, '--eval', evaluation, '--json', ...options);
  expect(result.code, result.stderr).toBe(0);
  return result.json<SimulateDocument>();
}

test('simulate counts what the quantized file counts, and says what accumulators need', {
  timeout: 240_000,
}, () => {
  const evaluated = bitwright('evaluate', quantized, '--data', evaluation, '--samples', '300', '--json');
  const [{ correct: expected }] = evaluated.json<{ models: [{ correct: number }] }>().models;
  const exact = simulated('--hardware', 'int8-cpu-vnni', '--samples', '300');
  expect(exact.total).toBe(300);
  expect(Math.abs(exact.correct[0]! - expected)).toBeLessThanOrEqual(3);
  for (const { accumulatorBits, overflows } of exact.layers) {
    expect(accumulatorBits.onData).toBeLessThanOrEqual(accumulatorBits.worstCase);
    expect(overflows).toBe(0);
  }
  const narrow = simulated(
    '--hardware',
    'fpga-narrow-accumulator',
    '--samples',
    '100',
    '--sweep',
    'accumulator-bits=8,16',
  );
  expect(narrow.sweeps[0]!.points.map(({ value }) => value)).toEqual([8, 16]);
  expect(narrow.sweeps[0]!.points[0]!.correct[0]).toBeLessThan(narrow.sweeps[0]!.points[1]!.correct[0]!);
});

test('a simulation that only this process computes can be interrupted', { timeout: 60_000 }, async () => {
  const abort = new AbortController();
  const seen: number[] = [];
  const hardware = {
    name: 'narrow',
    inputBits: 4,
    weightBits: 4,
    accumulator: { bits: 8, overflow: 'saturate', at: 'mac' },
    requantize: { kind: 'float' },
  } as const;
  const run = simulateModel(
    quantized,
    { hardware, evaluation, noiseSamples: 0 },
    {
      signal: abort.signal,
      onProgress: (_, done) => {
        seen.push(done);
        // as a key press does: from outside, when the process gets round to it
        if (seen.length === 1) setTimeout(() => abort.abort(), 1);
      },
    },
  );
  await expect(run).rejects.toThrow('abort');
  expect(Math.max(...seen)).toBeLessThan(1000);
});

test('an analog core: a count for each seed, and what each source does to each layer', {
  timeout: 240_000,
}, () => {
  const photonic = simulated(
    '--hardware',
    'photonic-4bit',
    '--samples',
    '64',
    '--data',
    calibration,
    '--seeds',
    '2',
  );
  expect(photonic.correct).toHaveLength(2);
  const sources = Object.keys(photonic.layers[0]!.snr!);
  expect(sources).toEqual(expect.arrayContaining(['weights', 'sum', 'adc', 'all']));
});

test("the tutorial's hardware description is valid and shows what the tutorial says", {
  timeout: 240_000,
}, () => {
  const chip = join(import.meta.dirname, '../../docs/tutorials/my-photonic-chip.json');
  const result = simulated(
    '--hardware',
    chip,
    '--samples',
    '32',
    '--data',
    calibration,
    '--sweep',
    'enob=2,8',
  );
  expect(result.hardware).toBe('my-photonic-chip');
  const [coarse, fine] = result.sweeps[0]!.points;
  expect(coarse!.correct[0]).toBeLessThan(fine!.correct[0]!);
});

test('a report: the counts, curves, layers and one trace, and a page that holds them', {
  timeout: 240_000,
}, () => {
  const path = join(folder, 'simulation.html');
  const options = ['--hardware', 'photonic-4bit', '--data', calibration, '--samples', '24', '--seeds', '2'];
  const result = simulated(...options, '--sweep', 'noise=0,1', '--report', path);
  const report = reportDocument.parse(JSON.parse(readFileSync(join(folder, 'simulation.json'), 'utf8')));
  const [simulation] = report.simulations!;
  expect(simulation!.correct).toEqual(result.correct);
  expect(simulation!.curves).toEqual(result.sweeps);
  expect(simulation!.curves[0]!.points[1]!.correct).toEqual(result.correct);
  expect(simulation!.layers.map(({ name }) => name)).toEqual(result.layers.map(({ name }) => name));
  const [trace] = simulation!.traces;
  expect(trace!.products.at(-1)!.sum).toBe(trace!.accumulator);
  expect(report.reproduce.data.map(({ role }) => role)).toEqual(['evaluation', 'calibration']);
  expect(readFileSync(path, 'utf8')).toContain('<html');
});

test('curves that nobody asked for: accumulator bits, effective bits, and noise where there is some', async () => {
  const hardware = { name: 'noisy', noise: [{ place: 'sum', kind: 'full-scale', sigma: 0.01 }] } as const;
  const options = { evaluation, samples: 8, sweeps: 'standard' } as const;
  const noisy = await simulateModel(quantized, {
    ...options,
    hardware: { ...hardware, noise: [...hardware.noise] },
  });
  expect(noisy.sweeps.map(({ parameter }) => parameter)).toEqual([
    'accumulator-bits',
    'bias-bits',
    'enob',
    'noise',
  ]);
  const widths = noisy.sweeps[0]!.points.map(({ value }) => value);
  const needed = Math.max(...noisy.layers.map(({ accumulatorBits }) => accumulatorBits.onData));
  expect([widths[0], widths.at(-1)]).toEqual([needed - 6, needed + 1]);
  const silent = await simulateModel(quantized, { ...options, hardware: { name: 'silent' } });
  expect(silent.sweeps.map(({ parameter }) => parameter)).toEqual(['accumulator-bits', 'bias-bits', 'enob']);
});

test("the how-to's noise of a plugin: seeds repeat it, and none of it changes nothing", {
  timeout: 120_000,
}, () => {
  const howTo = join(import.meta.dirname, '../../docs/how-to');
  const chip = JSON.parse(readFileSync(join(howTo, 'my-noisy-chip.json'), 'utf8'));
  const write = (name: string, parameters: object): string => {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify({ ...chip, noise: [{ ...chip.noise[0], parameters }] }));
    return path;
  };
  const run = (hardware: string): number[] =>
    simulated(
      ...['--hardware', hardware, '--plugin', join(howTo, 'my-noise.ts'), '--data', calibration],
      ...['--samples', '64', '--seeds', '2'],
    ).correct;
  const own = run(join(howTo, 'my-noisy-chip.json'));
  expect(run(join(howTo, 'my-noisy-chip.json'))).toEqual(own);
  const [silent, again] = run(write('silent-chip.json', {}));
  expect(silent).toBe(again);
  expect(Math.max(...run(write('loud-chip.json', { common: 1, own: 1 })))).toBeLessThan(silent!);
});

test('a noise source that fails says whose it is, and an unknown one what is known', () => {
  const plugin = join(folder, 'bad-noise.ts');
  writeFileSync(
    plugin,
    `import { definePlugin } from 'bitwright/plugin';
    export default definePlugin({ name: 'bad', apiVersion: 1, noiseSources: [{ name: 'bad/nan', fill(target) { target[0] = Number.NaN; } }] });`,
  );
  const run = (source: string) => {
    const hardware = join(folder, 'bad-noise.json');
    writeFileSync(hardware, JSON.stringify({ name: 'n', noise: [{ place: 'sum', kind: 'plugin', source }] }));
    const options = [
      '--hardware',
      hardware,
      '--plugin',
      plugin,
      '--eval',
      evaluation,
      '--samples',
      '4',
      '--json',
    ];
    return bitwright('simulate', quantized, ...options).json<{
      error: { code: string; message: string; hint: string };
    }>().error;
  };
  expect(run('bad/nan')).toMatchObject({ code: 'PLUGIN_FAILED', message: expect.stringContaining("'bad'") });
  expect(run('bad/nana')).toMatchObject({
    code: 'NOISE_SOURCE_UNKNOWN',
    hint: expect.stringContaining('bad/nan'),
  });
});

test.each([
  [['--hardware', 'photonic-4bits'], 2, 'HARDWARE_UNKNOWN'],
  [['--hardware', 'photonic-4bit'], 2, 'SIMULATE_CALIBRATION'],
  [['--hardware', 'noplace.json'], 1, 'HARDWARE_INVALID'],
  [['--hardware', 'broken.json'], 1, 'HARDWARE_INVALID'],
  [['--hardware', 'absent.json'], 1, 'FILE_ABSENT'],
  [['--hardware', 'narrow.json'], 1, 'HARDWARE_WIDTH'],
  [['--hardware', 'strict.json'], 1, 'SIMULATE_OVERFLOW'],
  [['--hardware', 'int8-cpu-vnni', '--sweep', 'enobs=2..3'], 2, 'OPTION_VALUE'],
  [['--hardware', 'int8-cpu-vnni', '--sweep', 'bias-bits=8..10'], 2, 'OPTION_VALUE'],
  [[], 2, 'OPTION_MISSING'],
])('%j is refused', (options, code, error) => {
  writeFileSync(
    join(folder, 'noplace.json'),
    JSON.stringify({ name: 'n', noise: [{ kind: 'additive', sigma: 1 }] }),
  );
  writeFileSync(join(folder, 'broken.json'), '{');
  writeFileSync(join(folder, 'narrow.json'), JSON.stringify({ name: 'n', weightBits: 3 }));
  writeFileSync(
    join(folder, 'strict.json'),
    JSON.stringify({ name: 'n', accumulator: { bits: 6, overflow: 'error' } }),
  );
  const args = options.map((word) => (word.endsWith('.json') ? join(folder, word) : word));
  const result = bitwright('simulate', quantized, '--eval', evaluation, '--samples', '20', '--json', ...args);
  expect(result.json<{ error: { code: string } }>().error.code).toBe(error);
  expect(result.code).toBe(code);
});

test('a float model is told to be quantized first, with the command', () => {
  const model = join(MNIST, 'resnet8_ce.onnx');
  const result = bitwright('simulate', model, '--hardware', 'int8-cpu-vnni', '--eval', evaluation, '--json');
  expect(result.code).toBe(1);
  const { error } = result.json<{ error: { code: string; hint: string } }>();
  expect(error.code).toBe('SIMULATE_FLOAT_MODEL');
  expect(error.hint).toContain(`bitwright quantize ${model}`);
});
