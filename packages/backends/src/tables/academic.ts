import type { DTypeConfig } from '../backend-config.js';
import { defineBackend } from '../define-backend.js';
import { activation, weight } from './shared.js';

const inputsAndWeights: DTypeConfig = {
  input: activation,
  weight,
  bias: ['int32', 'int16', 'int8', 'float'],
};

/**
 * The convention of most papers (e.g. LSQ, section 3): only the inputs and weights of convolutions and linear layers;
 * additions, pools and logits stay float; the first and the last layer have 8 bits.
 */
export const academic = defineBackend({
  name: 'academic',
  description:
    'Inputs and weights of Conv, Gemm and MatMul only; first and last layer at 8 bits, as papers do.',
  source: 'https://arxiv.org/abs/1902.08153',
  firstLastBits: 8,
  entries: [
    {
      pattern: [['Conv', 'ConvTranspose', 'Gemm', 'MatMul']],
      dtypes: [inputsAndWeights],
      evidence: 'cited',
    },
  ],
});
