import type { Dialect } from './dialect.js';
import { liftModule } from './lift/lift-module.js';
import { lowerToQdq } from './qdq-lowering.js';
import { carrierOpset } from './widths.js';

/** QuantizeLinear -> Clip -> DequantizeLinear in uint8: every width from 2 to 8 in a file that stock runtimes load and fuse. */
export const qcdq: Dialect = {
  name: 'qcdq',
  description: 'QuantizeLinear, Clip and DequantizeLinear, every width',
  runsInOnnxRuntime: true,
  opsetFor: carrierOpset,
  lift: (module) => liftModule(module),
  lower: (module, options) =>
    lowerToQdq(module, { weightCarrier: (bits) => (bits === 16 ? 'int16' : 'int8') }, options),
};
