import type { BackendConfig } from '../backend-config.js';
import { elementwise, observed, sharing, toUnitInterval, VALUE_PRESERVING, weighted } from './shared.js';

/** What ONNX Runtime's CPU provider fuses into integer kernels (onnxruntime qdq_selectors.cc, release 1.30). */
export const onnxruntimeCpu: BackendConfig = {
  name: 'onnxruntime-cpu',
  description: "ONNX Runtime's CPU provider: QDQ groups that it fuses into integer kernels.",
  entries: [
    observed(['Conv', 'Relu'], [weighted]),
    observed(['Conv', 'Clip'], [weighted]),
    observed(['Conv'], [weighted]),
    observed(['Gemm', 'Relu'], [weighted]),
    observed(['Gemm', 'Clip'], [weighted]),
    observed(['Gemm'], [weighted]),
    observed(['MatMul'], [weighted]),
    observed(['Add', 'Relu'], [elementwise]),
    observed(['Add', 'Clip'], [elementwise]),
    observed(['Add'], [elementwise]),
    observed(['Mul', 'Relu'], [elementwise]),
    observed(['Mul'], [elementwise]),
    observed(['Concat', 'Relu'], [elementwise]),
    observed(['Concat'], [elementwise]),
    observed(['AveragePool'], [elementwise]),
    observed(['GlobalAveragePool'], [elementwise]),
    observed(['LeakyRelu'], [elementwise]),
    observed(['Relu'], [elementwise]),
    observed(['Clip'], [elementwise]),
    observed(['Sigmoid'], [toUnitInterval]),
    observed(['Softmax'], [toUnitInterval]),
    ...VALUE_PRESERVING.map(sharing),
    sharing('Resize'),
  ],
};
