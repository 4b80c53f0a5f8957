import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { problemAffectsResolutionKind } from '@arethetypeswrong/core/problems';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

interface Packed {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'bitwright-pack-'));
const consumer = join(scratch, 'consumer');
const folders = readdirSync(join(root, 'packages')).sort();
let packed: readonly Packed[] = [];

beforeAll(() => {
  packed = JSON.parse(
    run('npm', ['pack', '--workspaces', '--json', '--ignore-scripts', '--pack-destination', scratch], root),
  );
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('every package as it would be published', () => {
  test('all are packed', () => {
    expect(packed).toHaveLength(folders.length);
  });

  test('holds what its fields promise and no tests', () => {
    for (const { name, files } of packed) {
      const paths = files.map(({ path }) => path);
      expect(paths, name).toContain('dist/index.js');
      expect(paths, name).toContain('dist/index.d.ts');
      expect(paths.filter((path) => /\.(test|fixture)\.|^src\//.test(path))).toEqual([]);
    }
  });

  test.each(folders)('%s passes publint', async (folder) => {
    const { messages, pkg } = await publint({
      pack: { tarball: tarballOf(folder).buffer },
      level: 'warning',
      strict: true,
    });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  test.each(folders)('the types of %s are what they say, for importers of ES modules', async (folder) => {
    const analysis = await checkPackage(createPackageFromTarballData(tarballOf(folder)));
    if (!analysis.types) throw new Error('no types were found');
    const problems = analysis.problems.filter((problem) =>
      (['node16-esm', 'bundler'] as const).some((kind) =>
        problemAffectsResolutionKind(problem, kind, analysis),
      ),
    );
    expect(problems).toEqual([]);
  });
});

describe('installed into an empty project', () => {
  beforeAll(() => {
    mkdirSync(consumer);
    writeFileSync(
      join(consumer, 'package.json'),
      JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
    );
    const tarballs = packed.map(({ filename }) => join(scratch, filename));
    const quiet = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
    run('npm', ['install', ...quiet, ...tarballs], consumer);
  });

  test('it is the packed code that was installed', () => {
    const lock = JSON.parse(readFileSync(join(consumer, 'package-lock.json'), 'utf8'));
    for (const { name } of packed) expect(lock.packages[`node_modules/${name}`].resolved).toMatch(/^file:/);
  });

  test('every door can be imported', () => {
    const script = `for (const door of ${JSON.stringify(doors())}) {
      const names = Object.keys(await import(door));
      if (names.length === 0) throw new Error(door + ' exports nothing');
      console.log(door);
    }`;
    expect(run(process.execPath, ['--input-type=module', '-e', script], consumer).trim().split('\n')).toEqual(
      doors(),
    );
  });

  test('the compiler resolves the types of every door', () => {
    const lines = doors().map(
      (door, i) =>
        `import * as door${i} from '${door}';\nexport const names${i}: string[] = Object.keys(door${i});`,
    );
    writeFileSync(join(consumer, 'index.ts'), `${lines.join('\n')}\n`);
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: 'ES2023',
      lib: ['ES2023'],
      module: 'NodeNext',
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [join(root, 'node_modules', '@types')],
    };
    writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['index.ts'] }));
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    expect(run(process.execPath, [tsc, '-p', consumer], consumer)).toBe('');
  });

  test('the command runs', () => {
    expect(run('npx', ['--no-install', 'bitwright', '--help'], consumer)).toContain('quantize');
  });
});

/** The bytes of a packed package. */
function tarballOf(folder: string): Uint8Array<ArrayBuffer> {
  const { filename } = packed.find(({ name }) => name === manifestOf(folder).name)!;
  return new Uint8Array(readFileSync(join(scratch, filename)));
}

function manifestOf(folder: string): { name: string; exports: Record<string, unknown> } {
  return JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'));
}

/** Every specifier that the packages' `exports` open. */
function doors(): string[] {
  return folders.flatMap((folder) => {
    const { name, exports } = manifestOf(folder);
    return Object.keys(exports)
      .filter((path) => path !== './package.json')
      .map((path) => name + path.slice(1));
  });
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
