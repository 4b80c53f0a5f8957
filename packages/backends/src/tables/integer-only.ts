import { defineBackend } from '../define-backend.js';
import { elementwise, observed, sharing, toUnitInterval, VALUE_PRESERVING, weighted } from './shared.js';

/**
 * A device that has only integers, as Jacob et al. (2018) describe one: every layer and every edge on a grid, the
 * network's input and the logits too, bias int32; nodes that only move values share their input's grid.
 */
export const integerOnly = defineBackend({
  name: 'integer-only',
  description: 'Every layer and every edge in integers, the input and the logits too; bias int32.',
  source: 'https://arxiv.org/abs/1712.05877',
  entries: [
    observed(['Conv', ['Relu', 'Clip', 'LeakyRelu']], [weighted]),
    observed(['Conv'], [weighted]),
    observed(['ConvTranspose', 'Relu'], [weighted]),
    observed(['ConvTranspose'], [weighted]),
    observed(['Gemm', ['Relu', 'Clip']], [weighted]),
    observed(['Gemm'], [weighted]),
    observed(['MatMul', 'Relu'], [weighted]),
    observed(['MatMul'], [weighted]),
    observed(['Add', ['Relu', 'Clip']], [elementwise]),
    observed([['Add', 'Sub']], [elementwise]),
    observed(['Mul', 'Relu'], [elementwise]),
    observed(['Mul'], [elementwise]),
    observed(['Concat', 'Relu'], [elementwise]),
    observed(['Concat'], [elementwise]),
    observed([['AveragePool', 'GlobalAveragePool', 'ReduceMean']], [elementwise]),
    observed([['LeakyRelu', 'Relu', 'Clip', 'PRelu', 'HardSwish', 'Tanh', 'Resize']], [elementwise]),
    observed([['Sigmoid', 'HardSigmoid', 'Softmax']], [toUnitInterval]),
    sharing(VALUE_PRESERVING),
  ],
});
