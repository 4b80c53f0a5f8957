import type { DTypeConfig, DTypeWithConstraints } from '../backend-config.js';
import { defineBackend } from '../define-backend.js';

const activation: DTypeWithConstraints = { bits: [8], symmetric: true, signed: true, carrier: 'int8' };

const weighted: DTypeConfig = {
  input: activation,
  weight: {
    bits: [8],
    symmetric: true,
    signed: true,
    perChannel: true,
    quantMinLowerBound: -127,
    carrier: 'int8',
  },
  bias: ['float'],
};

const RESIDUAL =
  'https://docs.nvidia.com/deeplearning/tensorrt/tensorflow-quantization-toolkit/docs/docs/add_custom_qdq_cases.html';

/**
 * NVIDIA TensorRT, explicit quantization: symmetric int8 with zero point 0; quantizers before Conv, Gemm and MatMul and
 * none behind them; of a residual addition only the shortcut is quantized, so that Conv and Add fuse; bias float.
 */
export const tensorrt = defineBackend({
  name: 'tensorrt',
  description: 'NVIDIA TensorRT: symmetric int8, no quantizer behind a Conv, the shortcut of an Add alone.',
  source:
    'https://docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/quantized-types-explicit-quantization.html',
  dialects: ['qdq'],
  guards: 'none',
  entries: [
    { pattern: ['Conv', 'Relu'], dtypes: [weighted], evidence: 'cited' },
    { pattern: [['Conv', 'ConvTranspose', 'Gemm', 'MatMul']], dtypes: [weighted], evidence: 'cited' },
    {
      pattern: ['Add', 'Relu'],
      dtypes: [{ input: activation }],
      quantizedInputs: 'residual',
      evidence: 'cited',
      source: RESIDUAL,
    },
    {
      pattern: ['Add'],
      dtypes: [{ input: activation }],
      quantizedInputs: 'residual',
      evidence: 'cited',
      source: RESIDUAL,
    },
    {
      pattern: [['AveragePool', 'GlobalAveragePool']],
      dtypes: [{ input: activation }],
      evidence: 'cited',
      source: RESIDUAL,
    },
  ],
});
