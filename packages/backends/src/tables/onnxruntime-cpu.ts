import { defineBackend } from '../define-backend.js';
import { elementwise, type Mark, observed, sharing, toUnitInterval, weighted } from './shared.js';

/** Operators that the runtime runs on codes. */
const ON_CODES = [
  'MaxPool',
  'Reshape',
  'Transpose',
  'Slice',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Split',
  'Gather',
] as const;

const probed: Mark = { evidence: 'probed' };

/** What ONNX Runtime's CPU provider fuses into integer kernels (onnxruntime qdq_selectors.cc, release 1.30). */
export const onnxruntimeCpu = defineBackend({
  name: 'onnxruntime-cpu',
  description: "ONNX Runtime's CPU provider: QDQ groups that it fuses into integer kernels.",
  source: 'https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html',
  entries: [
    observed(['Conv', ['Relu', 'Clip']], [weighted], probed),
    observed(['Conv'], [weighted], probed),
    observed(['Gemm', ['Relu', 'Clip']], [weighted], probed),
    observed([['Gemm', 'MatMul']], [weighted], probed),
    observed(['Add', ['Relu', 'Clip']], [elementwise], probed),
    observed(['Add'], [elementwise], probed),
    observed(['Mul', 'Relu'], [elementwise], probed),
    observed(['Mul'], [elementwise], probed),
    observed(['Concat', 'Relu'], [elementwise], probed),
    observed(['Concat'], [elementwise], probed),
    observed([['AveragePool', 'GlobalAveragePool']], [elementwise], probed),
    observed([['LeakyRelu', 'Relu', 'Clip']], [elementwise], probed),
    observed([['Sigmoid', 'Softmax']], [toUnitInterval], probed),
    sharing([...ON_CODES, 'Identity', 'DepthToSpace', 'Expand', 'Tile', 'Resize'], [elementwise], probed),
    sharing(['Pad', 'SpaceToDepth'], [elementwise], {
      evidence: 'cited',
      note: 'The runtime moves floats here; the grid is kept all the same, so that nothing is lost.',
    }),
  ],
});
