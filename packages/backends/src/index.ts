export {
  ALL_WIDTHS,
  type BackendConfig,
  type BackendPatternConfig,
  type BackendTable,
  type BackendTableEntry,
  BIAS_FORMS,
  type BiasForm,
  CARRIERS,
  type Carrier,
  type DTypeConfig,
  type DTypeWithConstraints,
  type Evidence,
  OBSERVATION_TYPES,
  type ObservationType,
  type QuantizedInputs,
  TABLE_DIALECTS,
  type TableDialect,
} from './backend-config.js';
export type { BackendFinding, CheckBackendOptions } from './check-backend.js';
export { defineBackend } from './define-backend.js';
export { describeDemands, describeOperand } from './describe-entry.js';
export { type BackendChange, type BackendDifference, diffBackends } from './diff-backends.js';
export { expandPattern, patternName } from './expand-pattern.js';
export type { ParsedBackend } from './parse-backend.js';
export { BACKENDS, findBackend, findTable, SCHEMES, type Scheme } from './registry.js';
export { resolveBackend } from './resolve-backend.js';

/** Loads the checker of tables: {@link checkBackend}, `parseBackend`, `assertBackend` and the JSON Schema. */
export const loadBackendChecker = (): Promise<typeof import('./checker.js')> => import('./checker.js');
