import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bitwright, MNIST, temporaryFolder } from '../support/cli.js';

const folder = temporaryFolder();

function write(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
  return path;
}

const own = {
  name: 'own',
  description: 'Own.',
  extends: 'onnxruntime-cpu',
  entries: [
    { pattern: ['Conv', 'Relu'], dtypes: [{ input: { bits: [8] }, weight: { bits: [4] }, bias: ['float'] }] },
  ],
};

describe('bitwright backends', () => {
  it('lists the tables that ship, with or without its verb', () => {
    const { backends } = bitwright('backends', '--json').json<{
      backends: { name: string; probed: number }[];
    }>();
    expect(backends.map(({ name }) => name)).toEqual([
      'onnxruntime-cpu',
      'onnxruntime-web',
      'tensorrt',
      'qnn',
      'vitis-dpu',
      'finn',
      'academic',
      'integer-only',
      'photonic',
    ]);
    expect(backends[0]!.probed).toBeGreaterThan(30);
    expect(bitwright('backends', 'list').stdout).toContain('vitis-dpu');
  });

  it('shows a table, by name or file, as text and as the JSON that it is equal to', () => {
    expect(bitwright('backends', 'show', 'tensorrt').stdout).toMatch(
      /Add +8 symmetric signed in int8 +float +float +only the shortcut +cited/,
    );
    const shown = bitwright('backends', 'show', write('own.json', own), '--json').json<{
      entries: { pattern: string[]; dtypes: unknown[] }[];
    }>();
    expect(shown.entries[0]).toMatchObject({ pattern: ['Conv', 'Relu'], dtypes: own.entries[0]!.dtypes });
    expect(shown.entries.filter(({ pattern }) => pattern.join() === 'Conv,Relu')).toHaveLength(1);
    expect(bitwright('backends', 'check', write('shown.json', shown)).stdout).toContain('well-formed');
  });

  it('checks a table, naming each place', () => {
    const path = write('wrong.json', {
      ...own,
      remove: [['Conv', 'Clop']],
      entries: [
        { pattern: ['Conv', 'Rellu'], dtypes: [] },
        { pattern: ['Add'], dtypes: ['eight'], sameScale: 'inputs' },
        {
          pattern: ['Add'],
          dtypes: [{ input: { bits: [8], scaleMinLowerBound: 2, scaleMaxUpperBound: 1 } }],
        },
      ],
    });
    const result = bitwright('backends', 'check', path, '--json');
    expect(result.code).toBe(1);
    const { valid, findings } = result.json<{ valid: boolean; findings: { code: string; line: number }[] }>();
    expect(valid).toBe(false);
    expect(findings.map(({ code }) => code).sort()).toEqual([
      'BACKEND_DTYPES_EMPTY',
      'BACKEND_ENTRY_UNREACHABLE',
      'BACKEND_OPERATOR_UNKNOWN',
      'BACKEND_PRESET_UNKNOWN',
      'BACKEND_REMOVE_UNMATCHED',
      'BACKEND_SCALE_IMPOSSIBLE',
    ]);
    expect(findings.every(({ line }) => line > 1)).toBe(true);
    const text = bitwright('backends', 'check', path).stdout;
    expect(text).toMatch(
      /wrong\.json:\d+:\d+ error BACKEND_OPERATOR_UNKNOWN: There is no operator 'Rellu'\. Did you mean 'Relu'\?/,
    );
    expect(text).toContain('6 errors, 0 warnings');
    expect(bitwright('backends', 'check', write('good.json', own)).code).toBe(0);
  });

  it('compares two tables', () => {
    const text = bitwright('backends', 'diff', 'onnxruntime-cpu', write('own.json', own)).stdout;
    expect(text).toMatch(/Conv\+Relu +dtypes\[0\]\.weight\.bits +\[2,3,4,5,6,7,8,16\] +\[4\]/);
    expect(bitwright('backends', 'diff', 'finn', 'finn').stdout).toBe('finn and finn accept the same.\n');
    const { onlySecond } = bitwright('backends', 'diff', 'academic', 'photonic', '--json').json<{
      onlySecond: string[];
    }>();
    expect(onlySecond).toEqual(['Conv+Relu', 'Gemm+Relu', 'MatMul+Relu']);
  });

  it.each([
    [['chekc', 'x'], 2, 'USAGE', "Did you mean 'check'?"],
    [['show', 'tensort'], 2, 'BACKEND_UNKNOWN', "Did you mean 'tensorrt'?"],
    [['show', 'absent.json'], 1, 'FILE_ABSENT', ''],
    [['check', 'absent.json'], 1, 'FILE_ABSENT', ''],
    [['check'], 2, 'USAGE', ''],
  ])('%j ends with %i', (args, code, name, hint) => {
    const result = bitwright('backends', ...args, '--json');
    expect(result.code).toBe(code);
    const { error } = result.json<{ error: { code: string; hint: string } }>();
    expect(error.code).toBe(name);
    expect(error.hint).toContain(hint);
  });

  it('takes a file wherever a backend is named', () => {
    const path = write('plain.json', { ...own, remove: [['Flatten']], entries: [] });
    const model = join(MNIST, 'resnet8_ce.onnx');
    const floats = (layers: { opType: string; float?: unknown }[]) =>
      layers.filter(({ float }) => float !== undefined).map(({ opType }) => opType);
    const inspected = bitwright('inspect', model, '--backend', path, '--json');
    expect(floats(inspected.json<{ layers: { opType: string; float?: unknown }[] }>().layers)).toEqual([
      'Flatten',
    ]);
    const explained = bitwright('explain', model, '/Flatten', '--backend', path, '--json');
    expect(explained.json<{ table: { backend: string } }>().table.backend).toBe('own');
    const card = [
      '--data',
      join(MNIST, 'calibration.json'),
      '--samples',
      '8',
      '--method',
      'fast',
      '--bits',
      '8',
    ];
    const report = join(folder, 'sweep');
    const evaluation = ['--eval', join(MNIST, 'evaluation.json'), '--eval-samples', '20'];
    const swept = bitwright(
      'sweep',
      model,
      ...card,
      ...evaluation,
      '--backend',
      path,
      '--report',
      report,
      '--json',
    );
    expect(swept.code, swept.stderr).toBe(0);
    const config = write('config.json', { backend: path });
    const made = bitwright(
      'quantize',
      model,
      '-o',
      join(folder, 'o.onnx'),
      '--config',
      config,
      ...card,
      '--json',
    );
    expect(made.json<{ backend: string }>().backend).toBe('own');
  });

  it('knows the tables of plugins', () => {
    const plugin = write(
      'plugin.ts',
      `import { defineBackend, definePlugin } from 'bitwright/plugin';
export default definePlugin({
  name: 'birds',
  apiVersion: 1,
  backends: [defineBackend({ name: 'wren', description: 'Wren.', extends: 'tensorrt', entries: [] })],
});`,
    );
    const asked = bitwright('backends', 'show', 'wren', '--plugin', plugin, '--json');
    expect(asked.json<{ name: string; guards: string }>()).toMatchObject({ name: 'wren', guards: 'none' });
    expect(bitwright('backends', 'list', '--plugin', plugin).stdout).toContain('wren');
    const own = write('over-wren.json', { name: 'own', description: 'O.', extends: 'wren', entries: [] });
    expect(bitwright('backends', 'check', own, '--plugin', plugin).code).toBe(0);
    expect(bitwright('backends', 'check', own).stdout).toContain('BACKEND_UNKNOWN');
  });

  it('refuses tables that extend each other in a circle', () => {
    write('a.json', { ...own, extends: './b.json' });
    write('b.json', { ...own, extends: './a.json' });
    for (const verb of ['show', 'check']) {
      const result = bitwright('backends', verb, join(folder, 'a.json'));
      expect(result.code).toBe(1);
      expect(result.stderr).toContain('BACKEND_EXTENDS_CYCLE');
    }
  });
});
