import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { MNIST } from '../support/cli.js';

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
