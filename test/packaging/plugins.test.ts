import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'bitwright-plugins-'));
const consumer = join(scratch, 'consumer');
const quiet = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];

beforeAll(() => {
  const packed: { filename: string }[] = JSON.parse(
    run('npm', ['pack', '--workspaces', '--json', '--ignore-scripts', '--pack-destination', scratch], root),
  );
  mkdirSync(consumer);
  writeFileSync(
    join(consumer, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
  );
  run('npm', ['install', ...quiet, ...packed.map(({ filename }) => join(scratch, filename))], consumer);
}, 300_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('the template compiles against the packed packages and passes its own tests', () => {
  const template = join(consumer, 'template');
  cpSync(join(root, 'docs/plugin-template'), template, { recursive: true });
  compile(template, 'tsconfig.json');
  compile(template, 'tsconfig.test.json');
  expect(run(process.execPath, ['--test', 'out/test/replace-add-of-neg.test.js'], template)).toMatch(
    /pass 2\b/,
  );
});

test('an outside plugin, packed and installed, reaches the command line', () => {
  const outside = join(scratch, 'outside');
  cpSync(join(root, 'test/outside-plugin'), outside, { recursive: true });
  symlinkSync(join(consumer, 'node_modules'), join(outside, 'node_modules'));
  compile(outside, 'tsconfig.json');
  const [{ filename }] = JSON.parse(
    run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch], outside),
  ) as [{ filename: string }];
  run('npm', ['install', '--legacy-peer-deps', ...quiet, join(scratch, filename)], consumer);
  const make = `import { modelBuilder } from '@bitwright/testing'; import { emitBytes } from '@bitwright/emit'; import { writeFileSync } from 'node:fs';
    const module = modelBuilder((m) => m.op('Relu', [m.op('outside.example.Twice', [m.input('x', [1, 4])], { by: 2 }, 'twice')]));
    module.opsets.set('outside.example', 1); writeFileSync('model.onnx', emitBytes(module));`;
  run(process.execPath, ['--input-type=module', '-e', make], consumer);
  const args = [
    '--no-install',
    'bitwright',
    'inspect',
    'model.onnx',
    '--json',
    '--backend',
    'outside-device',
  ];
  const { nodes } = JSON.parse(run('npx', [...args, '--plugin', 'bitwright-outside-plugin'], consumer));
  expect(nodes).toMatchObject([
    { name: 'twice', code: 'FUSED', reason: expect.stringContaining('outside/replace-twice') },
    { opType: 'Relu', code: 'FLOAT_NO_PATTERN' },
  ]);
  const without = spawnSync('npx', args, { cwd: consumer, encoding: 'utf8' });
  expect(without.stdout).toContain('BACKEND_UNKNOWN');
  simulateDrift();
});

/** The outside plugin's noise, on the installed command line: none, so much that nothing is right, and without the plugin. */
function simulateDrift(): void {
  const mnist = join(root, 'fixtures/mnist');
  const quiet = ['--no-install', 'bitwright', 'quantize', join(mnist, 'resnet8_ce.onnx'), '-o', 'w4a4.onnx'];
  const settings = ['--bits', 'W4A4', '--scheme', 'integer-only', '--method', 'fast', '--samples', '16'];
  run('npx', [...quiet, ...settings, '--data', join(mnist, 'calibration.json')], consumer);
  const simulate = (by: number): string[] => {
    const noise = [{ place: 'sum', kind: 'plugin', source: 'outside/drift', parameters: { by } }];
    writeFileSync(join(consumer, `drift${by}.json`), JSON.stringify({ name: 'drifting', noise }));
    const counted = ['--eval', join(mnist, 'evaluation.json'), '--samples', '32', '--json'];
    return [
      '--no-install',
      'bitwright',
      'simulate',
      'w4a4.onnx',
      '--hardware',
      `drift${by}.json`,
      ...counted,
    ];
  };
  const correct = (by: number): number =>
    JSON.parse(run('npx', [...simulate(by), '--plugin', 'bitwright-outside-plugin'], consumer)).correct[0];
  expect(correct(0)).toBeGreaterThan(25);
  expect(correct(1)).toBeLessThan(10);
  const unknown = spawnSync('npx', simulate(0), { cwd: consumer, encoding: 'utf8' });
  expect(unknown.stdout).toContain('NOISE_SOURCE_UNKNOWN');
}

function compile(folder: string, config: string): void {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const types = ['--typeRoots', join(root, 'node_modules/@types')];
  expect(run(process.execPath, [tsc, '-p', join(folder, config), ...types], folder)).toBe('');
}

/** Runs a command to its end and returns what it printed; a failure throws with everything it said. */
function run(command: string, args: readonly string[], cwd: string): string {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` };
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${status}\n${stdout}\n${stderr}`);
  return stdout;
}
