import type { Dialect } from './dialect.js';
import { liftModule } from './lift/lift-module.js';
import { lowerToQdq } from './qdq-lowering.js';
import { carrierOpset } from './widths.js';

/**
 * As qcdq, with weights packed in ONNX's own narrow types: INT4 for 3 and 4 bits (opset 21), INT2 for 2 bits (opset 25).
 * Activations stay in uint8: native narrow activations lose a Relu or fail to load (numerics, runtime trap 1).
 */
export const native: Dialect = {
  name: 'native',
  description: 'as qcdq, weights packed as INT4 or INT2',
  runsInOnnxRuntime: true,
  opsetFor(spec) {
    if (spec.role !== 'weight') return carrierOpset(spec);
    if (spec.bits === 2) return 25;
    return spec.bits <= 4 ? 21 : carrierOpset(spec);
  },
  lift: (module) => liftModule(module),
  lower: (module, options) => lowerToQdq(module, { weightCarrier }, options),
};

function weightCarrier(bits: number): 'int2' | 'int4' | 'int8' | 'int16' {
  if (bits === 2) return 'int2';
  if (bits <= 4) return 'int4';
  return bits === 16 ? 'int16' : 'int8';
}
