import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** The project's own fixture: three small networks and MNIST images. */
export const MNIST = join(root, 'fixtures/mnist');

/** The folder of real models and data; undefined where it is absent, and then the tests that need it are skipped. */
export const ASSETS = [process.env['BITWRIGHT_ASSETS'], join(root, '../shared/assets')].find(
  (path): path is string => path !== undefined && existsSync(path),
);

/** What one run of the command line gave. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The JSON document on stdout. */
  json<T>(): T;
}

/** Runs the built command line as a user does. */
export function bitwright(...args: string[]): CliResult {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'packages/bitwright/bin/bitwright.js'), ...args],
    {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    },
  );
  return { code: status, stdout, stderr, json: <T>() => JSON.parse(stdout) as T };
}

/** A folder that goes away after the file's tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bitwright-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
