import type { DTypeConfig, DTypeWithConstraints } from '../backend-config.js';
import { defineBackend } from '../define-backend.js';
import { observed, sharing } from './shared.js';

const powerOfTwo: DTypeWithConstraints = {
  bits: [8],
  symmetric: true,
  signed: true,
  powerOfTwo: true,
  carrier: 'int8',
};

const weighted: DTypeConfig = { input: powerOfTwo, weight: powerOfTwo, bias: ['int8'], output: powerOfTwo };
const elementwise: DTypeConfig = { input: powerOfTwo, output: powerOfTwo };

/** AMD Vitis AI DPUs: int8 with power-of-two scales throughout, one scale a tensor, so that requantizing is a shift. */
export const vitisDpu = defineBackend({
  name: 'vitis-dpu',
  description: 'AMD Vitis AI DPU: symmetric int8 with power-of-two scales, per tensor, bias int8.',
  source: 'https://docs.amd.com/r/3.0-English/ug1414-vitis-ai/Currently-Supported-Operators',
  dialects: ['qdq'],
  guards: 'none',
  entries: [
    observed(['Conv', ['Relu', 'Clip', 'LeakyRelu']], [weighted]),
    observed([['Conv', 'ConvTranspose', 'Gemm']], [weighted]),
    observed(['Gemm', 'Relu'], [weighted]),
    observed(['Add', 'Relu'], [elementwise]),
    observed([['Add', 'Mul', 'AveragePool', 'GlobalAveragePool']], [elementwise]),
    { pattern: ['Concat'], dtypes: [elementwise], sameScale: 'inputs-and-output', evidence: 'cited' },
    sharing(['MaxPool', 'Relu', 'Reshape', 'Flatten', 'Pad', 'Resize', 'Slice'], [elementwise]),
  ],
});
