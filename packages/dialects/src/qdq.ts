import type { Dialect } from './dialect.js';
import { liftModule } from './lift/lift-module.js';
import { lowerToQdq } from './qdq-lowering.js';
import { carrierOpset, widthError } from './widths.js';

/** Plain QuantizeLinear -> DequantizeLinear: activations of 8 and 16 bits; weights of any width in int8. */
export const qdq: Dialect = {
  name: 'qdq',
  description: 'QuantizeLinear and DequantizeLinear, activations of 8 or 16 bits',
  runsInOnnxRuntime: true,
  opsetFor(spec) {
    if (spec.role === 'activation' && spec.bits < 8) {
      throw widthError(
        'qdq',
        spec,
        'Take --dialect qcdq, which says every width with a Clip between the two.',
      );
    }
    return carrierOpset(spec);
  },
  lift: (module) => liftModule(module),
  lower: (module, options) =>
    lowerToQdq(module, { weightCarrier: (bits) => (bits === 16 ? 'int16' : 'int8') }, options),
};
