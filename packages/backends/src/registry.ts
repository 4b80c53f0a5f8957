import { findNamed } from '@bitwright/core';
import type { BackendConfig, BackendTable } from './backend-config.js';
import { resolveBackend } from './resolve-backend.js';
import { academic } from './tables/academic.js';
import { finn } from './tables/finn.js';
import { integerOnly } from './tables/integer-only.js';
import { onnxruntimeCpu } from './tables/onnxruntime-cpu.js';
import { onnxruntimeWeb } from './tables/onnxruntime-web.js';
import { photonic } from './tables/photonic.js';
import { qnn } from './tables/qnn.js';
import { tensorrt } from './tables/tensorrt.js';
import { vitisDpu } from './tables/vitis-dpu.js';

/** Every table that ships, as it is written; the default first. */
export const BACKENDS: readonly BackendTable[] = [
  onnxruntimeCpu,
  onnxruntimeWeb,
  tensorrt,
  qnn,
  vitisDpu,
  finn,
  academic,
  integerOnly,
  photonic,
];

/** The schemes: `backend` takes the chosen backend's table, the two others name their own. */
export const SCHEMES = ['backend', 'integer-only', 'academic'] as const;

export type Scheme = (typeof SCHEMES)[number];

/**
 * The backend of a name, resolved.
 *
 * @param extra tables beside those that ship, e.g. of plugins; their names are known to `extends` too.
 * @throws BACKEND_UNKNOWN (wrong usage) with the nearest name, and the errors of {@link resolveBackend}.
 */
export function findBackend(name: string, extra: readonly BackendTable[] = []): BackendConfig {
  const find = (wanted: string): BackendTable => findTable(wanted, extra);
  return resolveBackend(find(name), find);
}

/** The table of a name as it is written. @throws BACKEND_UNKNOWN (wrong usage) with the nearest name. */
export function findTable(name: string, extra: readonly BackendTable[] = []): BackendTable {
  return findNamed(name, [...BACKENDS, ...extra], {
    code: 'BACKEND_UNKNOWN',
    message: `There is no backend table '${name}'.`,
    option: '--backend',
  });
}
