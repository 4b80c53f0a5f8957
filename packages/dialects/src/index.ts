export type { Dialect, LowerOptions } from './dialect.js';
export { QONNX_DOMAIN } from './qonnx.js';
export { DIALECTS, findDialect } from './registry.js';
export { layerSaturation, type PairSaturation, predictPairSaturation } from './saturation.js';
