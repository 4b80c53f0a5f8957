import type { Importer } from './dialect.js';
import { liftIntegerLayer } from './lift/lift-integer-layer.js';
import { LINEAR_HANDLERS, liftModule } from './lift/lift-module.js';
import { QOPERATOR_HANDLERS } from './lift/lift-qoperator.js';

/** Operators that compute with codes, as ONNX Runtime's quantizer and ONNX Model Zoo files have them: QLinearConv, QGemm, ConvInteger, ... Read, never written. */
export const qoperator: Importer = {
  name: 'qoperator',
  description: 'operators on codes (QLinearConv, QGemm, ConvInteger); read only',
  lift: (module) =>
    liftModule(module, {
      ...LINEAR_HANDLERS,
      ...QOPERATOR_HANDLERS,
      ConvInteger: liftIntegerLayer,
      MatMulInteger: liftIntegerLayer,
    }),
};
