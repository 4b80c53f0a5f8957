import type { DTypeConfig, DTypeWithConstraints } from '../backend-config.js';
import { defineBackend } from '../define-backend.js';
import { observed, sharing } from './shared.js';

const upTo8 = [2, 3, 4, 5, 6, 7, 8];
const activation: DTypeWithConstraints = { bits: upTo8, symmetric: true };
/** FINN turns a Relu and the quantizer behind it into thresholds where the quantizer is unsigned. */
const afterRelu: DTypeWithConstraints = { bits: upTo8, symmetric: true, signed: false };
const weight: DTypeWithConstraints = { bits: upTo8, symmetric: true, signed: true, perChannel: true };

const layer = (output: DTypeWithConstraints): DTypeConfig => ({
  input: activation,
  weight,
  bias: ['float'],
  output,
});

const HANDLERS =
  'https://github.com/Xilinx/finn/blob/main/src/finn/transformation/qonnx/qonnx_activation_handlers.py';

/** FINN's dataflow compiler by way of QONNX: zero point 0 everywhere, unsigned after a Relu, additions on one scale. */
export const finn = defineBackend({
  name: 'finn',
  description: 'FINN (QONNX): zero point 0, unsigned after a Relu, both operands of an Add on one scale.',
  source: HANDLERS,
  dialects: ['qonnx'],
  guards: 'none',
  entries: [
    observed([['Conv', 'Gemm', 'MatMul'], 'Relu'], [layer(afterRelu)]),
    observed([['Conv', 'Gemm', 'MatMul']], [layer(activation)]),
    {
      pattern: ['Add', 'Relu'],
      dtypes: [{ input: activation, output: afterRelu }],
      sameScale: 'inputs',
      evidence: 'cited',
    },
    {
      pattern: ['Add'],
      dtypes: [{ input: activation, output: activation }],
      sameScale: 'inputs',
      evidence: 'cited',
    },
    observed(['Relu'], [{ input: activation, output: afterRelu }]),
    sharing(['MaxPool', 'Reshape', 'Flatten', 'Transpose'], [{ input: activation, output: activation }]),
  ],
});
