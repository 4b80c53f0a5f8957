import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BitwrightError } from '@bitwright/core';
import { writeFileAtomically } from '@bitwright/core/node';

/**
 * Writes files into a folder, which is made where it is absent; each file is written beside and renamed. Returns their paths.
 *
 * @throws EXPORT_FOLDER when the path is a file.
 */
export function writeFolder(folder: string, files: ReadonlyMap<string, Uint8Array | string>): string[] {
  if (existsSync(folder) && !statSync(folder).isDirectory()) {
    throw new BitwrightError({
      code: 'EXPORT_FOLDER',
      message: `'${folder}' is a file, and an export is a folder.`,
      hint: 'Give --to a folder, new or old.',
      at: { file: folder, option: '--to' },
    });
  }
  mkdirSync(folder, { recursive: true });
  return [...files].map(([name, content]) => {
    const path = join(folder, name);
    writeFileAtomically(path, content);
    return path;
  });
}
