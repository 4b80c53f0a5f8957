import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { BitwrightError, describeThrown } from '@bitwright/core';
import { readFileBytes } from '@bitwright/core/node';
import { findHardware, type HardwareConfig, parseHardware } from '@bitwright/simulate';

/**
 * The hardware of a preset's name or a file: JSON, or TypeScript/JavaScript with a default export.
 *
 * @throws HARDWARE_UNKNOWN for a name that is neither, HARDWARE_INVALID with the path in the file.
 */
export async function loadHardware(nameOrFile: string): Promise<HardwareConfig> {
  if (!/\.(json|[cm]?[jt]s)$/.test(nameOrFile) && !existsSync(nameOrFile)) return findHardware(nameOrFile);
  const raw = await readRaw(nameOrFile);
  return parseHardware(raw, nameOrFile);
}

async function readRaw(path: string): Promise<unknown> {
  const bytes = readFileBytes(path);
  try {
    if (/\.[cm]?[jt]s$/.test(path)) {
      const { createJiti } = await import('jiti');
      return await createJiti(import.meta.url).import(resolve(path), { default: true });
    }
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (thrown) {
    throw new BitwrightError({
      code: 'HARDWARE_INVALID',
      message: `'${path}' can't be read as a hardware description: ${describeThrown(thrown)}.`,
      hint: 'It must be JSON, or a module with a default export.',
      at: { file: path },
      cause: thrown,
    });
  }
}
