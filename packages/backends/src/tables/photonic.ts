import type { DTypeConfig, DTypeWithConstraints } from '../backend-config.js';
import { defineBackend } from '../define-backend.js';

const analog = [2, 3, 4, 5, 6, 7, 8];
const light: DTypeWithConstraints = { bits: analog, symmetric: true };

const product: DTypeConfig = {
  input: light,
  weight: { bits: analog, symmetric: true, signed: true },
  bias: ['int32', 'float'],
  output: { bits: analog },
};

/**
 * A photonic matrix engine as AnalogVNN models one: converters of few bits drive inputs and weights, the sum is read by a
 * converter of few bits; one scale for a whole weight tensor, since all columns share the detector; the rest is digital.
 */
export const photonic = defineBackend({
  name: 'photonic',
  description:
    'Photonic matrix products: inputs, weights and sums through converters of few bits; the rest float.',
  source: 'https://github.com/Vivswan/AnalogVNN',
  entries: [
    { pattern: [['Conv', 'Gemm', 'MatMul'], 'Relu'], dtypes: [product], evidence: 'cited' },
    { pattern: [['Conv', 'Gemm', 'MatMul']], dtypes: [product], evidence: 'cited' },
  ],
});
