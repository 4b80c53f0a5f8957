import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BACKENDS } from '@bitwright/backends';
import { describe, expect, it } from 'vitest';
import { backendTablesPage } from '../../docs/generate/backend-tables.js';
import { bitwright, MNIST, temporaryFolder } from '../support/cli.js';

const docs = resolve(import.meta.dirname, '../../docs');
const example = join(docs, 'tutorials/a-table-for-your-accelerator');
const steps = readdirSync(example)
  .filter((name) => name.endsWith('.json'))
  .sort();
const final = join(example, 'sparrow.json');
const folder = temporaryFolder();

it('the reference page says what the tables and the schema say', async () => {
  await expect(await backendTablesPage()).toMatchFileSnapshot(join(docs, 'reference/backend-tables.md'));
  for (const { name } of BACKENDS)
    expect(readFileSync(join(docs, 'reference/schemes.md'), 'utf8')).toContain(`\`${name}\``);
});

describe('the tutorial "A table for your accelerator"', () => {
  const page = readFileSync(join(docs, 'tutorials/a-table-for-your-accelerator.md'), 'utf8');

  it('names every file that it builds up', () => {
    expect(steps).toEqual(['sparrow-first.json', 'sparrow-typo.json', 'sparrow.json']);
    for (const name of steps) expect(page).toContain(name);
    for (const name of ['sparrow-first.json', 'sparrow.json'])
      expect(page).toContain(readFileSync(join(example, name), 'utf8'));
  });

  it('ends with a table of less than 60 lines that is well-formed', () => {
    expect(readFileSync(final, 'utf8').trimEnd().split('\n').length).toBeLessThan(60);
    for (const name of ['sparrow-first.json', 'sparrow.json']) {
      const checked = bitwright('backends', 'check', join(example, name));
      expect(checked.stdout).toContain('well-formed.');
      expect(checked.code).toBe(0);
    }
  });

  it('shows the message of the typo as it is printed', () => {
    const { code, stdout } = bitwright('backends', 'check', join(example, 'sparrow-typo.json'));
    expect(code).toBe(1);
    for (const line of stdout.trimEnd().split('\n'))
      expect(page).toContain(line.slice(line.indexOf('sparrow-typo.json')));
  });

  it('probes and uses the table', () => {
    const probed = bitwright('backends', 'probe', final, '--json');
    expect(probed.code).toBe(0);
    const { entries } = probed.json<{ entries: { pattern: string; runs: string }[] }>();
    expect(entries.filter(({ runs }) => runs === 'refused' || runs === 'not-quantized')).toEqual([]);
    const output = join(folder, 'sparrow.onnx');
    const card = ['--data', join(MNIST, 'calibration.json'), '--samples', '64', '--method', 'fast'];
    const model = join(MNIST, 'resnet8_ce.onnx');
    const made = bitwright(
      'quantize',
      model,
      '-o',
      output,
      '--bits',
      '8',
      '--backend',
      final,
      ...card,
      '--json',
    );
    expect(made.code, made.stderr).toBe(0);
    const { layers, backend } = made.json<{ backend: string; layers: { float?: { code: string } }[] }>();
    expect(backend).toBe('sparrow');
    expect(layers.filter(({ float }) => float !== undefined)).toEqual([]);
    const counted = bitwright(
      'evaluate',
      output,
      '--data',
      join(MNIST, 'evaluation.json'),
      '--samples',
      '500',
      '--json',
    );
    expect(counted.json<{ models: { correct: number }[] }>().models[0]!.correct).toBeGreaterThan(480);
  });
});

it('the how-to "Start from a table that ships" shows a table that is well-formed', () => {
  const file = join(docs, 'how-to/extend-a-backend-table/our-npu.json');
  expect(readFileSync(join(docs, 'how-to/extend-a-backend-table.md'), 'utf8')).toContain(
    readFileSync(file, 'utf8'),
  );
  expect(bitwright('backends', 'check', file).stdout).toContain('well-formed.');
  const { onlyFirst, onlySecond } = bitwright('backends', 'diff', 'onnxruntime-cpu', file, '--json').json<{
    onlyFirst: string[];
    onlySecond: string[];
  }>();
  expect([onlyFirst, onlySecond]).toEqual([['Add+Relu', 'Add+Clip', 'Add'], []]);
});
