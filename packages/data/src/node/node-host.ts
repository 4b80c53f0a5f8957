import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { BitwrightError, describeThrown } from '@bitwright/core';
import { FileSource } from '@bitwright/core/node';
import type { DataHost, DecodeTensor, FoundPath, ImageDecoder, PathKind, PixelImage } from '../data-host.js';

/** Files of this machine below a folder, and sharp as the decoder. */
export function nodeHost(baseFolder: string, decodeTensor: DecodeTensor): DataHost {
  const find = async (pattern: string, kind: PathKind): Promise<FoundPath[]> => {
    const plain = resolve(baseFolder, pattern);
    if (existsSync(plain)) return [{ path: plain, isFolder: statSync(plain).isDirectory() }];
    if (!/[*?[{]/.test(pattern)) throw absent(plain);
    const { glob } = await import('tinyglobby');
    const onlyFiles = kind === 'files';
    const paths = await glob(pattern, {
      cwd: baseFolder,
      absolute: true,
      expandDirectories: false,
      onlyFiles,
    });
    // the mark of a folder is a slash at its end
    const found = paths.map((path) => ({
      path: path.replace(/(.)[\\/]$/, '$1'),
      isFolder: /[\\/]$/.test(path),
    }));
    return found.sort((a, b) => byCodeUnits(a.path, b.path));
  };
  return {
    concurrency: availableParallelism(),
    decoder: sharpDecoder,
    decodeTensor,
    resolve: (path) => resolve(baseFolder, path),
    exists: existsSync,
    find,
    children: (folder) =>
      readdirSync(folder, { withFileTypes: true })
        .map((entry) => ({ path: join(folder, entry.name), isFolder: entry.isDirectory() }))
        .sort((a, b) => byCodeUnits(a.path, b.path)),
    source: (path) => new FileSource(path),
  };
}

const sharpDecoder: ImageDecoder = {
  async decode(path: string): Promise<PixelImage> {
    if (!existsSync(path)) throw absent(path);
    const { default: sharp } = await import('sharp');
    try {
      const decoded = await sharp(path, { failOn: 'error', ignoreIcc: true })
        .removeAlpha()
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      const { width, height, channels } = decoded.info;
      return { width, height, channels: channels === 1 ? 1 : 3, pixels: decoded.data };
    } catch (thrown) {
      throw new BitwrightError({
        code: 'DATA_IMAGE_UNREADABLE',
        message: `The image '${path}' cannot be decoded: ${describeThrown(thrown)}.`,
        hint: 'Fetch it again, or leave it out of the card.',
        at: { file: path },
        cause: thrown,
      });
    }
  },
};

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function absent(path: string): BitwrightError {
  return new BitwrightError({
    code: 'FILE_ABSENT',
    message: `'${path}' does not exist.`,
    hint: 'Paths in a data card are relative to the card.',
    at: { file: path },
  });
}
