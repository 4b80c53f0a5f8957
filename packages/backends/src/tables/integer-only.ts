import type { BackendConfig } from '../backend-config.js';
import { elementwise, observed, sharing, toUnitInterval, VALUE_PRESERVING, weighted } from './shared.js';

/**
 * A device that has only integers: every layer and every edge on a grid, the network's input and the logits too, bias
 * int32; nodes that only move values share their input's grid.
 */
export const integerOnly: BackendConfig = {
  name: 'integer-only',
  description: 'Every layer and every edge in integers, the input and the logits too; bias int32.',
  entries: [
    observed(['Conv', 'Relu'], [weighted]),
    observed(['Conv', 'Clip'], [weighted]),
    observed(['Conv', 'LeakyRelu'], [weighted]),
    observed(['Conv'], [weighted]),
    observed(['ConvTranspose', 'Relu'], [weighted]),
    observed(['ConvTranspose'], [weighted]),
    observed(['Gemm', 'Relu'], [weighted]),
    observed(['Gemm', 'Clip'], [weighted]),
    observed(['Gemm'], [weighted]),
    observed(['MatMul', 'Relu'], [weighted]),
    observed(['MatMul'], [weighted]),
    observed(['Add', 'Relu'], [elementwise]),
    observed(['Add', 'Clip'], [elementwise]),
    observed(['Add'], [elementwise]),
    observed(['Sub'], [elementwise]),
    observed(['Mul', 'Relu'], [elementwise]),
    observed(['Mul'], [elementwise]),
    observed(['Concat', 'Relu'], [elementwise]),
    observed(['Concat'], [elementwise]),
    observed(['AveragePool'], [elementwise]),
    observed(['GlobalAveragePool'], [elementwise]),
    observed(['ReduceMean'], [elementwise]),
    observed(['LeakyRelu'], [elementwise]),
    observed(['Relu'], [elementwise]),
    observed(['Clip'], [elementwise]),
    observed(['PRelu'], [elementwise]),
    observed(['HardSwish'], [elementwise]),
    observed(['Tanh'], [elementwise]),
    observed(['Resize'], [elementwise]),
    observed(['Sigmoid'], [toUnitInterval]),
    observed(['HardSigmoid'], [toUnitInterval]),
    observed(['Softmax'], [toUnitInterval]),
    ...VALUE_PRESERVING.map(sharing),
  ],
};
