import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { ByteSource, ByteSourceResolver } from '../bytes.js';
import { BitwrightError, describeThrown } from '../errors.js';

// one call of the operating system gives at most 2 GiB
const LARGEST_READ = 2 ** 30;

/**
 * Reads a whole file, or what a pipe that the process was given holds, e.g. `<(…)` or `/dev/stdin`.
 *
 * @throws FILE_ABSENT, FILE_IS_DIRECTORY, FILE_NOT_REGULAR or FILE_UNREADABLE, naming the path.
 */
export function readFileBytes(path: string): Uint8Array {
  try {
    const status = statSync(path);
    if (!isGivenPipe(path, status)) assertFile(path, status);
    return readFileSync(path);
  } catch (thrown) {
    if (thrown instanceof BitwrightError) throw thrown;
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') {
      throw fileError('FILE_ABSENT', path, 'does not exist', 'Check the path.', thrown);
    }
    throw fileError(
      'FILE_UNREADABLE',
      path,
      `cannot be read (${describeThrown(thrown)})`,
      'Check its permissions.',
      thrown,
    );
  }
}

/** Proves, before long work begins, that a path is that of a file. @throws as {@link readFileBytes} does. */
export function assertReadable(path: string): void {
  const status = statAt(path);
  if (status === undefined) throw fileError('FILE_ABSENT', path, 'does not exist', 'Check the path.');
  if (!isGivenPipe(path, status)) assertFile(path, status);
}

/** Refuses a folder, and what no end can be read of: devices, sockets, named pipes, and the pipe that this process writes to. */
function assertFile(path: string, status: Stats): void {
  if (status.isDirectory())
    throw fileError('FILE_IS_DIRECTORY', path, 'is a folder', 'Give the path of a file.');
  if (status.isFile()) return;
  throw fileError('FILE_NOT_REGULAR', path, `is a ${kindOf(status)} and no file`, 'Give the path of a file.');
}

/** True for a pipe that was handed over as a descriptor, other than those that the process writes to: it ends when its writer does. */
function isGivenPipe(path: string, status: Stats): boolean {
  if (!status.isFIFO() || !/^\/(dev|proc)\//.test(path)) return false;
  return [1, 2].every((descriptor) => {
    const own = statOf(descriptor);
    return own?.ino !== status.ino || own.dev !== status.dev;
  });
}

function statOf(descriptor: number): Stats | undefined {
  try {
    return fstatSync(descriptor);
  } catch {
    return undefined;
  }
}

function kindOf(status: Stats): string {
  if (status.isFIFO()) return 'pipe';
  return status.isSocket() ? 'socket' : 'device';
}

/**
 * Writes a file so that a reader sees the old content or the new, never a part: writes beside it, then renames. A link is
 * followed; a device such as /dev/null is written to as it is.
 *
 * @param option the option that names the path, for the error.
 * @throws OUTPUT_UNWRITABLE, naming the path; nothing is left behind. Pipes and sockets are refused: nobody may ever read them.
 */
export function writeFileAtomically(path: string, bytes: Uint8Array | string, option = '--output'): void {
  const target = targetOf(path, option);
  const beside = target.isDevice ? path : partialBeside(target.path);
  try {
    writeFileSync(beside, bytes);
    if (target.isDevice) return;
    renameSync(beside, target.path);
  } catch (thrown) {
    if (!target.isDevice) removeIfThere(beside);
    throw outputError(path, thrown, option);
  }
}

/**
 * Proves, before long work begins, that an output path can be written; writes nothing that stays.
 *
 * @throws OUTPUT_UNWRITABLE.
 */
export function assertWritable(path: string, option = '--output'): void {
  const target = targetOf(path, option);
  if (target.isDevice) return;
  const beside = partialBeside(target.path);
  try {
    writeFileSync(beside, '');
  } catch (thrown) {
    throw outputError(path, thrown, option);
  } finally {
    removeIfThere(beside);
  }
}

/** What an output path leads to. @throws OUTPUT_UNWRITABLE for a folder, a pipe or a socket. */
function targetOf(path: string, option?: string): { readonly path: string; readonly isDevice: boolean } {
  const status = statAt(path);
  if (status === undefined) return { path, isDevice: false };
  if (status.isDirectory()) throw outputError(path, new Error('it is a folder'), option);
  if (status.isFile()) return { path: realpathSync(path), isDevice: false };
  if (status.isCharacterDevice()) return { path, isDevice: true };
  throw outputError(path, new Error(`it is a ${kindOf(status)} and no file`), option);
}

function statAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // a path through a file: writing says so
    return undefined;
  }
}

function partialBeside(path: string): string {
  return join(dirname(path), `.${randomBytes(6).toString('hex')}.partial`);
}

/** A file that is read by ranges and never held as a whole. */
export class FileSource implements ByteSource {
  readonly size: number;

  constructor(readonly name: string) {
    const named = statAt(name);
    // opening a pipe can wait for ever
    if (named !== undefined) assertFile(name, named);
    this.size = withFile(name, (descriptor) => fstatSync(descriptor).size);
  }

  read(offset: number, length: number): Uint8Array {
    return withFile(this.name, (descriptor) => {
      const bytes = new Uint8Array(length);
      for (let filled = 0; filled < length; ) {
        const wanted = Math.min(length - filled, LARGEST_READ);
        const got = readSync(descriptor, bytes, filled, wanted, offset + filled);
        if (got === 0) throw tooShort(this.name, offset + length);
        filled += got;
      }
      return bytes;
    });
  }
}

/** Resolves external-data names relative to the folder of the model. @throws EXTERNAL_DATA_PATH for a path that leaves it. */
export function siblingFiles(modelPath: string): ByteSourceResolver {
  return (name) => {
    if (isAbsolute(name) || name.split(/[\\/]/).includes('..')) {
      throw fileError(
        'EXTERNAL_DATA_PATH',
        modelPath,
        `refers to external data outside of its folder ('${name}')`,
        'Put the data file beside the model.',
      );
    }
    return new FileSource(join(dirname(modelPath), name));
  };
}

/** Removes a file if it can be: where it could not be written either, that is the failure to tell of. */
function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    return;
  }
}

function withFile<T>(path: string, use: (descriptor: number) => T): T {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (thrown) {
    throw fileError('FILE_ABSENT', path, 'cannot be opened', 'Check the path and its permissions.', thrown);
  }
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function fileError(code: string, path: string, what: string, hint: string, cause?: unknown): BitwrightError {
  return new BitwrightError({ code, message: `'${path}' ${what}.`, hint, at: { file: path }, cause });
}

function tooShort(path: string, end: number): BitwrightError {
  return fileError(
    'FILE_TOO_SHORT',
    path,
    `ends before byte ${end}`,
    'Fetch the file again: it is truncated.',
  );
}

function outputError(path: string, cause: unknown, option = '--output'): BitwrightError {
  const absent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
  const reason = absent ? 'its folder does not exist' : describeThrown(cause);
  return new BitwrightError({
    code: 'OUTPUT_UNWRITABLE',
    message: `The output '${path}' cannot be written: ${reason}.`,
    hint: isFull(cause)
      ? 'Make room there, then run the command again; a sweep goes on where it was with --resume.'
      : 'Give a path in an existing folder that you may write to.',
    at: { file: path, option },
    cause,
  });
}

function isFull(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && ['ENOSPC', 'EDQUOT'].includes(String(cause.code));
}
