export {
  ALL_WIDTHS,
  type BackendConfig,
  type BackendPatternConfig,
  BIAS_FORMS,
  type BiasForm,
  type DTypeConfig,
  type DTypeWithConstraints,
  OBSERVATION_TYPES,
  type ObservationType,
} from './backend-config.js';
export { BACKENDS, findBackend, SCHEMES, type Scheme } from './registry.js';
