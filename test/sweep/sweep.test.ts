import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DOCUMENTS, digest, type SweepDocument } from '@bitwright/analyze';
import { describe, expect, it } from 'vitest';
import { bitwright, MNIST, temporaryFolder } from '../support/cli.js';

const folder = temporaryFolder();
const BIN = resolve(import.meta.dirname, '../../packages/bitwright/bin/bitwright.js');
const models = ['resnet8_ce.onnx', 'resnet8_mse.onnx'].map((name) => join(MNIST, name));
const widths = ['--bits', '8,4,3'];
const data = ['--data', join(MNIST, 'calibration.json'), '--samples', '32'];
const evaluation = ['--eval', join(MNIST, 'evaluation.json'), '--eval-samples', '150'];

const sweep = (report: string, ...more: string[]) => [
  'sweep',
  ...models,
  ...widths,
  ...data,
  ...evaluation,
  '--scheme',
  'integer-only',
  '--report',
  report,
  ...more,
];

const read = (report: string): SweepDocument => JSON.parse(readFileSync(join(report, 'sweep.json'), 'utf8'));

interface Evaluations {
  readonly models: readonly {
    readonly path: string;
    readonly correct: number;
    readonly agreement?: number;
    readonly top5?: number;
  }[];
}

describe('sweep', () => {
  const whole = join(folder, 'whole');
  const emitted = join(folder, 'emitted');
  const first = bitwright(...sweep(whole, '--emit', emitted, '--json'));

  it('gives the document of its schema on stdout and in the folder', () => {
    expect(first.stderr).not.toContain('warning');
    expect(first.code).toBe(0);
    const document = DOCUMENTS.sweep.parse(first.json());
    expect(read(whole)).toEqual(document);
    expect(document.runs.map(({ model, bits }) => [model, bits])).toEqual(
      models.flatMap((model) => ['W8A8', 'W4A4', 'W3A3'].map((bits) => [model, bits])),
    );
    expect(document.comparisons).toHaveLength(4);
    expect(document.runs.filter(({ diagnostics }) => diagnostics !== undefined)).toEqual([]);
    for (const name of ['sweep.csv', 'comparisons.csv', 'sweep.md', 'timings.json'])
      expect(existsSync(join(whole, name)), name).toBe(true);
  });

  it('describes each model and quantization for the report', () => {
    const report = DOCUMENTS.report.parse(JSON.parse(readFileSync(join(whole, 'report.json'), 'utf8')));
    expect(report.sweep).toEqual(read(whole));
    expect(report.models.map(({ path }) => path)).toEqual(models);
    for (const { nodes, variants, pareto } of report.models) {
      expect(variants.map(({ bits }) => bits)).toEqual(['W8A8', 'W4A4', 'W3A3']);
      expect(pareto[0]!.bytes).toBeGreaterThan(pareto[2]!.bytes);
      const names = new Set(nodes.map(({ name }) => name));
      for (const { layers, tensors, certificate } of variants) {
        expect(layers.every(({ name }) => names.has(name))).toBe(true);
        const conv = layers.filter(({ opType }) => opType === 'Conv');
        expect(conv.length).toBeGreaterThan(5);
        const known = new Set(tensors.map(({ name }) => name));
        for (const { input, output, weights, isolated, cumulative } of conv) {
          expect(known.has(input!) && known.has(output!)).toBe(true);
          expect(weights!.scale).toHaveLength(weights!.shape[0]!);
          expect(isolated!).toBeGreaterThan(0);
          expect(cumulative!).toBeLessThan(80);
        }
        const [image] = tensors;
        expect(image!.counts.reduce((sum, count) => sum + count)).toBe(32 * 28 * 28);
        expect(image!.codes).toHaveLength(image!.quantMax - image!.quantMin + 1);
        expect(certificate!.total).toBeGreaterThan(10);
      }
      const noise = variants.map(({ layers }) => layers.find(({ opType }) => opType === 'Conv')!.isolated!);
      expect(noise).toEqual([...noise].sort((a, b) => b - a));
    }
  });

  it('counts what evaluate --faithful counts on each emitted file, and what it counts on the float model', () => {
    const { runs, floats } = read(whole);
    for (const model of models) {
      const own = runs.filter((run) => run.model === model);
      const files = own.map(({ file }) => join(emitted, file!));
      const options = ['--data', evaluation[1]!, '--samples', '150', '--json'];
      const counted = bitwright(
        'evaluate',
        ...files,
        '--reference',
        model,
        '--faithful',
        ...options,
      ).json<Evaluations>();
      expect(own.map(({ correct, agreement, top5 }) => ({ correct, agreement, top5 }))).toEqual(
        counted.models.map(({ correct, agreement, top5 }) => ({ correct, agreement, top5 })),
      );
      const float = bitwright('evaluate', model, ...options).json<Evaluations>();
      expect(floats.find((found) => found.model === model)!.correct).toBe(float.models[0]!.correct);
    }
  });

  it('counts what evaluate counts in a stock session, when it is told to', () => {
    const stock = join(folder, 'stock');
    const document = bitwright(...sweep(stock, '--mode', 'default', '--json')).json<SweepDocument>();
    expect(document.mode).toBe('default');
    expect(document.sweep).not.toBe(read(whole).sweep);
    expect(readFileSync(join(stock, 'sweep.md'), 'utf8')).toContain('default mode');
    const own = document.runs.filter((run) => run.model === models[0]);
    const files = read(whole)
      .runs.filter((run) => run.model === models[0])
      .map(({ file }) => join(emitted, file!));
    const options = ['--data', evaluation[1]!, '--samples', '150', '--reference', models[0]!, '--json'];
    const counted = bitwright('evaluate', ...files, ...options).json<Evaluations>();
    expect(own.map(({ correct, agreement, top5 }) => ({ correct, agreement, top5 }))).toEqual(
      counted.models.map(({ correct, agreement, top5 }) => ({ correct, agreement, top5 })),
    );
    expect(bitwright(...sweep(join(folder, 'no-mode'), '--mode', 'fast')).code).toBe(2);
  });

  it('emits the very files that quantize writes', () => {
    const out = join(folder, 'alone.onnx');
    bitwright('quantize', models[1]!, '-o', out, '--bits', '4', ...data, '--scheme', 'integer-only');
    const file = read(whole).runs.find((run) => run.model === models[1] && run.bits === 'W4A4')!.file!;
    expect(readFileSync(out).equals(readFileSync(join(emitted, file)))).toBe(true);
  });

  it('refuses a folder in use, and one of another sweep, and touches neither', () => {
    const before = readFileSync(join(whole, 'sweep.journal'));
    expect(bitwright(...sweep(whole, '--json')).json()).toMatchObject({ error: { code: 'SWEEP_EXISTS' } });
    for (const resume of [[], ['--resume']]) {
      const other = bitwright(...sweep(whole, '--bits', '5', '--json', ...resume));
      expect(other.code).toBe(1);
      expect(other.json()).toMatchObject({ error: { code: 'SWEEP_FOLDER_OTHER' } });
    }
    expect(readFileSync(join(whole, 'sweep.journal')).equals(before)).toBe(true);
  });

  it('gives the same result with one worker, and again when it is resumed', () => {
    const one = join(folder, 'one');
    const described = (): unknown => JSON.parse(readFileSync(join(one, 'report.json'), 'utf8')).models;
    expect(bitwright(...sweep(one, '--workers', '1', '--emit', join(folder, 'emitted1'))).code).toBe(0);
    // described while others were counted, and now, where nothing is left to count, afterwards
    const early = described();
    expect(bitwright(...sweep(one, '--resume', '--emit', join(folder, 'emitted1'))).code).toBe(0);
    expect(described()).toEqual(early);
    expect(readFileSync(join(one, 'sweep.json'), 'utf8')).toBe(
      readFileSync(join(whole, 'sweep.json'), 'utf8'),
    );
  });

  it('gives the same bytes after a kill at any moment and --resume', async () => {
    const killed = join(folder, 'killed');
    const arguments_ = sweep(killed, '--resume', '--emit', join(folder, 'emitted2'));
    let kills = 0;
    for (let wait = 300; kills < 4; wait = wait * 1.5) {
      const child = spawn(process.execPath, [BIN, ...arguments_], { stdio: 'ignore' });
      const ended = new Promise<number | null>((done) => child.once('exit', done));
      const timer = setTimeout(() => child.kill('SIGKILL'), wait);
      const code = await ended;
      clearTimeout(timer);
      if (code !== null) break;
      kills++;
    }
    expect(bitwright(...arguments_).code).toBe(0);
    expect(kills).toBeGreaterThan(0);
    for (const name of ['sweep.json', 'sweep.csv', 'comparisons.csv', 'sweep.md'])
      expect(readFileSync(join(killed, name), 'utf8')).toBe(readFileSync(join(whole, name), 'utf8'));
    const digests = async (path: string) =>
      Promise.all(
        readdirSync(path)
          .sort()
          .map(async (name) => [name, await digest(readFileSync(join(path, name)))]),
      );
    expect(await digests(join(folder, 'emitted2'))).toEqual(await digests(emitted));
  });

  it('goes on after a journal whose last line was cut short or damaged', () => {
    const torn = join(folder, 'torn');
    mkdirSync(torn);
    const lines = readFileSync(join(whole, 'sweep.journal'), 'utf8').split('\n');
    lines[2] = lines[2]!.replace('"count":150', '"count":151');
    writeFileSync(join(torn, 'sweep.journal'), `${lines.slice(0, 4).join('\n')}\n${lines[4]!.slice(0, 40)}`);
    expect(bitwright(...sweep(torn, '--resume', '--emit', emitted)).code).toBe(0);
    expect(readFileSync(join(torn, 'sweep.json'), 'utf8')).toBe(
      readFileSync(join(whole, 'sweep.json'), 'utf8'),
    );
  });
});

describe('a sweep that meets trouble', () => {
  const broken = join(folder, 'broken.onnx');
  writeFileSync(broken, 'not a model');

  it('reports a model that fails, counts the others, and ends with 1', () => {
    const report = join(folder, 'partly');
    const run = bitwright(
      'sweep',
      broken,
      models[0]!,
      '--bits',
      '8,4',
      ...data,
      ...evaluation,
      '--report',
      report,
      '--json',
    );
    expect(run.code).toBe(1);
    const { runs, floats } = DOCUMENTS.sweep.parse(run.json());
    expect(floats.map(({ model }) => model)).toEqual([models[0]]);
    expect(runs.map(({ model, error, total }) => [model, error === undefined, total])).toEqual([
      [broken, false, undefined],
      [broken, false, undefined],
      [models[0], true, 150],
      [models[0], true, 150],
    ]);
    expect(readFileSync(join(report, 'sweep.md'), 'utf8')).toContain('Failed:');
  });

  it('reports a cell that fails', () => {
    const run = bitwright(
      'sweep',
      models[0]!,
      '--bits',
      '8',
      '--keep-float',
      'no such node',
      ...data,
      ...evaluation,
      '--report',
      join(folder, 'cell'),
      '--json',
    );
    expect(run.code).toBe(1);
    const { runs, floats } = DOCUMENTS.sweep.parse(run.json());
    expect(floats).toHaveLength(1);
    expect(runs[0]!.error).toBeDefined();
  });

  it('says on stderr what failed, once for all widths, with the remedy and the cells that it stopped', () => {
    const run = bitwright(
      ...['sweep', 'absent.onnx', '--bits', '8,4', '--method', 'fast', ...data, ...evaluation],
      ...['--report', join(folder, 'none')],
    );
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(
      "FILE_ABSENT [absent.onnx]: 'absent.onnx' does not exist.\n  Check the path.\n",
    );
    expect(run.stderr).toContain('  not counted: W8A8 backend fast, W4A4 backend fast\n');
    expect(run.stdout).toContain('no model could be counted');
  });

  it('tells counts that no quantization explains, in the document and the report', () => {
    const card = JSON.parse(readFileSync(evaluation[1]!, 'utf8'));
    const files = card.files.map((name: string) => join(MNIST, name));
    // images that lie far from what the network knows: it gives one class for all of them
    const inputs = { '*': { ...card.inputs['*'], mean: [50] } };
    const path = join(folder, 'far-off.json');
    writeFileSync(path, JSON.stringify({ ...card, files, inputs }));
    const report = join(folder, 'far-off');
    const run = bitwright(
      ...['sweep', models[0]!, '--bits', '8', '--method', 'fast', ...data],
      ...['--eval', path, '--eval-samples', '100', '--report', report, '--json'],
    );
    expect(run.code).toBe(0);
    const { runs, floats } = DOCUMENTS.sweep.parse(run.json());
    expect(floats[0]!.diagnostics!.map(({ code }) => code)).toEqual(['W-FP32-FIRST']);
    expect(runs[0]!.diagnostics!.map(({ code }) => code)).toEqual(['E-CHANCE', 'E-CONST']);
    const shown = DOCUMENTS.report.parse(JSON.parse(readFileSync(join(report, 'report.json'), 'utf8')));
    const codes = shown.models[0]!.variants[0]!.diagnostics.map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(['E-CHANCE', 'E-CONST']));
  });

  it('refuses evaluation data without labels before it does anything', () => {
    const card = {
      format: 'idx',
      files: [join(MNIST, 'evaluation-images.idx3-ubyte')],
      inputs: { '*': { from: 'image', layout: 'NCHW', channels: 'grey', rescale: 1 / 255 } },
    };
    const path = join(folder, 'unlabelled.json');
    writeFileSync(path, JSON.stringify(card));
    const report = join(folder, 'unlabelled');
    const run = bitwright(
      'sweep',
      models[0]!,
      '--bits',
      '8',
      ...data,
      '--eval',
      path,
      '--report',
      report,
      '--json',
    );
    expect(run.code).toBe(1);
    expect(run.json()).toMatchObject({ error: { code: 'DATA_LABELS_MISSING' } });
    expect(existsSync(join(report, 'sweep.json'))).toBe(false);
  });

  it('loses nothing when the disk is full', () => {
    const report = join(folder, 'full');
    mkdirSync(report);
    // no file may grow beyond one block of 1024 bytes: the journal fails in the middle of a line, as on a full disk
    const command = [process.execPath, BIN, ...sweep(report)].map((word) => `'${word}'`).join(' ');
    const run = spawnSync('bash', ['-c', `ulimit -f 1; exec ${command}`], { encoding: 'utf8' });
    expect(run.stderr).toContain('OUTPUT_UNWRITABLE');
    expect(run.status).toBe(1);
    const kept = readFileSync(join(report, 'sweep.journal'), 'utf8');
    expect(kept.endsWith('\n')).toBe(true);
    expect(kept.split('\n').length).toBeGreaterThan(2);
    expect(bitwright(...sweep(report, '--resume')).code).toBe(0);
    expect(readFileSync(join(report, 'sweep.journal'), 'utf8').startsWith(kept)).toBe(true);
  });

  it('refuses results that have no journal', () => {
    const report = join(folder, 'foreign');
    mkdirSync(report);
    copyFileSync(join(folder, 'whole', 'sweep.json'), join(report, 'sweep.json'));
    expect(bitwright(...sweep(report, '--json')).json()).toMatchObject({
      error: { code: 'SWEEP_FOLDER_OTHER' },
    });
  });

  it.each([
    [['--bits', '9'], 'BITS_INVALID'],
    [['--grid', 'W=8'], 'OPTION_VALUE'],
    [['--bits', '8', '--scheme', 'integer'], 'OPTION_VALUE'],
    [[], 'OPTION_MISSING'],
  ])('calls %j wrong usage', (words, code) => {
    const run = bitwright(
      'sweep',
      models[0]!,
      ...words,
      ...data,
      ...evaluation,
      '--report',
      join(folder, 'usage'),
      '--json',
    );
    expect(run.code).toBe(2);
    expect(run.json()).toMatchObject({ error: { code } });
    expect(existsSync(join(folder, 'usage'))).toBe(false);
  });
});
