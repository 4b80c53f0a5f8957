export { detectDialect } from './detect-dialect.js';
export type { Dialect, Importer, LowerOptions } from './dialect.js';
export { QONNX_DOMAIN } from './qonnx.js';
export { DIALECTS, findDialect, IMPORTERS } from './registry.js';
export { layerSaturation, type PairSaturation, predictPairSaturation } from './saturation.js';
export { centreZeroPoints } from './sign-grids.js';
