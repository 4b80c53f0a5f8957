import { ALL_WIDTHS, type DTypeConfig } from '../backend-config.js';
import { defineBackend } from '../define-backend.js';
import { elementwise, observed, sharing, toUnitInterval, weighted } from './shared.js';

/** The relaxed-SIMD dot product of WebAssembly multiplies 8 by 7 bits, so the codes of weights keep to 7. */
const sevenBitWeights: DTypeConfig = {
  ...weighted,
  weight: { bits: ALL_WIDTHS, perChannel: true, quantMinLowerBound: -64, quantMaxUpperBound: 63 },
};

/** ONNX Runtime in a browser: the CPU provider's kernels, compiled to WebAssembly. */
export const onnxruntimeWeb = defineBackend({
  name: 'onnxruntime-web',
  description: 'ONNX Runtime in the browser (wasm): the CPU provider with weight codes of 7 bits.',
  source: 'https://onnxruntime.ai/docs/tutorials/web/',
  dialects: ['qdq', 'qcdq', 'native'],
  entries: [
    observed(['Conv', ['Relu', 'Clip']], [sevenBitWeights]),
    observed(['Conv'], [sevenBitWeights]),
    observed(['Gemm', ['Relu', 'Clip']], [sevenBitWeights]),
    observed([['Gemm', 'MatMul']], [sevenBitWeights]),
    observed(['Add', ['Relu', 'Clip']], [elementwise]),
    observed([['Add', 'Mul', 'Concat']], [elementwise]),
    observed([['AveragePool', 'GlobalAveragePool', 'LeakyRelu', 'Relu', 'Clip']], [elementwise]),
    observed([['Sigmoid', 'Softmax']], [toUnitInterval]),
    sharing(['MaxPool', 'Reshape', 'Transpose', 'Slice', 'Flatten', 'Squeeze', 'Unsqueeze', 'Split']),
    sharing(['Gather', 'Resize']),
  ],
});
