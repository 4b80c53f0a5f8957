import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  assertReadable,
  assertWritable,
  FileSource,
  readFileBytes,
  siblingFiles,
  writeFileAtomically,
} from './files.js';

let folder = '';
const inside = (...parts: string[]): string => join(folder, ...parts);
const coded = (code: string, file?: string) =>
  expect.objectContaining({
    name: 'BitwrightError',
    code,
    ...(file !== undefined && {
      at: expect.objectContaining({ file }),
      message: expect.stringContaining(file),
    }),
  });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bitwright-files-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('reads a file', () => {
  writeFileSync(inside('a'), Uint8Array.of(1, 2, 3));
  expect([...readFileBytes(inside('a'))]).toEqual([1, 2, 3]);
});

it('says what is wrong with a path that it cannot read', () => {
  writeFileSync(inside('a'), '');
  expect(() => readFileBytes(inside('none'))).toThrow(coded('FILE_ABSENT', inside('none')));
  expect(() => readFileBytes(folder)).toThrow(coded('FILE_IS_DIRECTORY', folder));
  expect(() => readFileBytes(inside('a', 'b'))).toThrow(coded('FILE_UNREADABLE', inside('a', 'b')));
});

it('writes bytes and text, over what was there', () => {
  writeFileAtomically(inside('out'), Uint8Array.of(1, 2));
  expect([...readFileSync(inside('out'))]).toEqual([1, 2]);
  writeFileAtomically(inside('out'), 'text');
  expect(readFileSync(inside('out'), 'utf8')).toBe('text');
  expect(readdirSync(folder)).toEqual(['out']);
});

it('leaves nothing behind where it cannot write', () => {
  mkdirSync(inside('dir'));
  writeFileSync(inside('dir', 'kept'), 'kept');
  writeFileSync(inside('file'), 'old');
  for (const path of [inside('dir'), inside('none', 'out'), inside('file', 'deep', 'out')]) {
    expect(() => writeFileAtomically(path, 'new')).toThrow(coded('OUTPUT_UNWRITABLE', path));
  }
  expect(readdirSync(folder).toSorted()).toEqual(['dir', 'file']);
  expect(readdirSync(inside('dir'))).toEqual(['kept']);
  expect(readFileSync(inside('file'), 'utf8')).toBe('old');
});

it('proves that a path can be written without touching it', () => {
  writeFileSync(inside('old'), 'old');
  assertWritable(inside('new'));
  assertWritable(inside('old'));
  expect(readdirSync(folder)).toEqual(['old']);
  expect(readFileSync(inside('old'), 'utf8')).toBe('old');
});

it('proves that a path cannot be written, and leaves nothing behind', () => {
  mkdirSync(inside('dir'));
  writeFileSync(inside('file'), '');
  for (const path of [inside('dir'), inside('none', 'out'), inside('file', 'out')]) {
    expect(() => assertWritable(path)).toThrow(coded('OUTPUT_UNWRITABLE', path));
  }
  expect(readdirSync(folder).toSorted()).toEqual(['dir', 'file']);
  expect(readdirSync(inside('dir'))).toEqual([]);
});

const posix = it.skipIf(process.platform === 'win32');

posix('writes through a link, and to a device without replacing it', () => {
  writeFileSync(inside('real'), 'old');
  symlinkSync(inside('real'), inside('link'));
  writeFileAtomically(inside('link'), 'new');
  expect(readFileSync(inside('real'), 'utf8')).toBe('new');
  expect(lstatSync(inside('link')).isSymbolicLink()).toBe(true);
  symlinkSync('/dev/null', inside('null'));
  assertWritable(inside('null'));
  writeFileAtomically(inside('null'), 'gone');
  expect(statSync(inside('null')).isCharacterDevice()).toBe(true);
  expect(readdirSync(folder).toSorted()).toEqual(['link', 'null', 'real']);
});

posix('refuses pipes and devices, which no end may come of', () => {
  execFileSync('mkfifo', [inside('pipe')]);
  expect(() => writeFileAtomically(inside('pipe'), 'x')).toThrow(coded('OUTPUT_UNWRITABLE', inside('pipe')));
  expect(() => assertWritable(inside('pipe'))).toThrow(coded('OUTPUT_UNWRITABLE', inside('pipe')));
  for (const path of [inside('pipe'), '/dev/zero']) {
    expect(() => readFileBytes(path)).toThrow(coded('FILE_NOT_REGULAR', path));
    expect(() => assertReadable(path)).toThrow(coded('FILE_NOT_REGULAR', path));
    expect(() => new FileSource(path)).toThrow(coded('FILE_NOT_REGULAR', path));
  }
  expect(() => assertReadable(inside('none'))).toThrow(coded('FILE_ABSENT', inside('none')));
  expect(statSync(inside('pipe')).isFIFO()).toBe(true);
});

it('reads a file by ranges', () => {
  writeFileSync(inside('data'), Uint8Array.of(0, 1, 2, 3, 4, 5));
  const source = new FileSource(inside('data'));
  expect(source.size).toBe(6);
  expect([...source.read(2, 3)]).toEqual([2, 3, 4]);
  expect([...source.read(6, 0)]).toEqual([]);
  expect(() => source.read(4, 3)).toThrow(coded('FILE_TOO_SHORT', inside('data')));
});

it('opens neither absent files nor folders as sources', () => {
  expect(() => new FileSource(inside('none'))).toThrow(coded('FILE_ABSENT', inside('none')));
  expect(() => new FileSource(folder)).toThrow(coded('FILE_IS_DIRECTORY', folder));
});

it('finds external data beside the model and nowhere else', () => {
  writeFileSync(inside('weights.bin'), Uint8Array.of(9));
  mkdirSync(inside('deep'));
  writeFileSync(inside('deep', 'more.bin'), Uint8Array.of(8));
  const open = siblingFiles(inside('model.onnx'));
  expect([...open('weights.bin').read(0, 1)]).toEqual([9]);
  expect([...open('deep/more.bin').read(0, 1)]).toEqual([8]);
  for (const name of ['../weights.bin', 'deep/../../x', '/etc/passwd', 'deep\\..\\..\\x']) {
    expect(() => open(name)).toThrow(coded('EXTERNAL_DATA_PATH', inside('model.onnx')));
  }
  expect(() => open('none.bin')).toThrow(coded('FILE_ABSENT', inside('none.bin')));
});
