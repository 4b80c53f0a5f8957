import type { BackendConfig, DTypeConfig } from '../backend-config.js';
import { activation, observed, weight } from './shared.js';

const inputsAndWeights: DTypeConfig = {
  input: activation,
  weight,
  bias: ['int32', 'int16', 'int8', 'float'],
};

/**
 * The convention of most papers: only the inputs and weights of convolutions and linear layers; additions, pools and
 * logits stay float; the first and the last layer have 8 bits.
 */
export const academic: BackendConfig = {
  name: 'academic',
  description:
    'Inputs and weights of Conv, Gemm and MatMul only; first and last layer at 8 bits, as papers do.',
  firstLastBits: 8,
  entries: ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].map((opType) =>
    observed([opType], [inputsAndWeights]),
  ),
};
