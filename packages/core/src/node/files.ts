import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { ByteSource, ByteSourceResolver } from '../bytes.js';
import { BitwrightError, describeThrown } from '../errors.js';

// one call of the operating system gives at most 2 GiB
const LARGEST_READ = 2 ** 30;

/** Reads a whole file. @throws FILE_ABSENT, FILE_IS_DIRECTORY or FILE_UNREADABLE, naming the path. */
export function readFileBytes(path: string): Uint8Array {
  try {
    if (statSync(path).isDirectory())
      throw fileError('FILE_IS_DIRECTORY', path, 'is a folder', 'Give the path of a file.');
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

/**
 * Writes a file so that a reader sees the old content or the new, never a part: writes beside it, then renames.
 *
 * @throws OUTPUT_UNWRITABLE, naming the path; nothing is left behind.
 */
export function writeFileAtomically(path: string, bytes: Uint8Array | string): void {
  const beside = join(dirname(path), `.${randomBytes(6).toString('hex')}.partial`);
  try {
    writeFileSync(beside, bytes);
    renameSync(beside, path);
  } catch (thrown) {
    removeIfThere(beside);
    throw outputError(path, thrown);
  }
}

/**
 * Proves, before long work begins, that an output path can be written; writes nothing that stays.
 *
 * @throws OUTPUT_UNWRITABLE.
 */
export function assertWritable(path: string, option = '--output'): void {
  const beside = join(dirname(path), `.${randomBytes(6).toString('hex')}.partial`);
  try {
    writeFileSync(beside, '');
  } catch (thrown) {
    throw outputError(path, thrown, option);
  } finally {
    removeIfThere(beside);
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw outputError(path, new Error('it is a folder'), option);
  }
}

/** A file that is read by ranges and never held as a whole. */
export class FileSource implements ByteSource {
  readonly size: number;

  constructor(readonly name: string) {
    const status = withFile(name, (descriptor) => fstatSync(descriptor));
    if (status.isDirectory())
      throw fileError('FILE_IS_DIRECTORY', name, 'is a folder', 'Give the path of a file.');
    this.size = status.size;
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
    hint: 'Give a path in an existing folder that you may write to.',
    at: { file: path, option },
    cause,
  });
}
