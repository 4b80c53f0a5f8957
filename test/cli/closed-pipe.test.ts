import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { bitwright, MNIST } from '../support/cli.js';

const command = resolve(import.meta.dirname, '../../packages/bitwright/bin/bitwright.js');

it('ends quietly when its reader has read enough', async () => {
  const child = spawn(process.execPath, [command, 'inspect', join(MNIST, 'resnet8_ce.onnx'), '--json']);
  // as `| head` does: the pipe is closed before anything is written into it
  child.stdout.destroy();
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  expect(said).toBe('');
  expect(code).toBe(0);
});

const model = join(MNIST, 'resnet8_ce.onnx');
const data = join(MNIST, 'evaluation.json');

it.skipIf(process.platform === 'win32')('refuses its own pipe as a model, and says what --json does', () => {
  const line = `"$0" "$1" evaluate "$2" --data "$3" --samples 4 --json /dev/stdout | head -30`;
  const { stdout, status } = spawnSync('sh', ['-c', line, process.execPath, command, model, data], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect(status).toBe(0);
  const { error } = JSON.parse(stdout) as { error: { code: string; at: object; hint: string } };
  expect(error.code).toBe('FILE_NOT_REGULAR');
  expect(error.at).toEqual({ file: '/dev/stdout' });
  expect(error.hint).toMatch(/^--json takes no path: it prints to stdout, which `> FILE` sends/);
});

it('says what --json does where a file was meant', () => {
  const hintOf = (...args: string[]): string =>
    bitwright(...args, '--json', 'result.json').json<{ error: { hint: string } }>().error.hint;
  for (const args of [
    ['evaluate', model, '--data', data],
    ['inspect', model],
  ])
    expect(hintOf(...args)).toMatch(/^--json takes no path: it prints to stdout, which `> FILE` sends/);
});
