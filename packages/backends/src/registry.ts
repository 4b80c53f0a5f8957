import { BitwrightError, didYouMean } from '@bitwright/core';
import type { BackendConfig } from './backend-config.js';
import { academic } from './tables/academic.js';
import { integerOnly } from './tables/integer-only.js';
import { onnxruntimeCpu } from './tables/onnxruntime-cpu.js';

/** Every table that ships, the default first. */
export const BACKENDS: readonly BackendConfig[] = [onnxruntimeCpu, integerOnly, academic];

/** The schemes: `backend` takes the chosen backend's table, the two others name their own. */
export const SCHEMES = ['backend', 'integer-only', 'academic'] as const;

export type Scheme = (typeof SCHEMES)[number];

/**
 * The table of a name.
 *
 * @throws BACKEND_UNKNOWN (wrong usage) with the nearest name.
 */
export function findBackend(name: string): BackendConfig {
  const found = BACKENDS.find((backend) => backend.name === name);
  if (found !== undefined) return found;
  throw new BitwrightError({
    code: 'BACKEND_UNKNOWN',
    message: `There is no backend table '${name}'.`,
    hint: didYouMean(
      name,
      BACKENDS.map((backend) => backend.name),
    ),
    at: { option: '--backend' },
    kind: 'usage',
  });
}
