import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { writeFileAtomically } from './files.js';

const folder = mkdtempSync(join(tmpdir(), 'bitwright-full-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const writeFileSync: typeof fs.writeFileSync = (path) => {
    // as a full disk does it: the file is there, and what it should hold is not
    fs.writeFileSync(path, '');
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  };
  return { ...fs, writeFileSync };
});

it('says on a full disk which option wants room, and leaves nothing behind', () => {
  const path = join(folder, 'report.json');
  expect(() => writeFileAtomically(path, 'text', '--report')).toThrow(
    expect.objectContaining({
      code: 'OUTPUT_UNWRITABLE',
      message: expect.stringContaining('no space left on device'),
      hint: expect.stringMatching(/^Make room there.*--resume/),
      at: { file: path, option: '--report' },
    }),
  );
  expect(readdirSync(folder)).toEqual([]);
});
