import type { DTypeConfig, DTypeWithConstraints } from '../backend-config.js';
import { defineBackend } from '../define-backend.js';
import { observed, sharing } from './shared.js';

// the quantizer of the provider takes a real range of at least 1e-4
const act8: DTypeWithConstraints = {
  bits: [8],
  carrier: 'uint8',
  signed: false,
  scaleMinLowerBound: 1e-4 / 255,
};
const act16: DTypeWithConstraints = {
  bits: [16],
  carrier: 'uint16',
  signed: false,
  scaleMinLowerBound: 1e-4 / 65535,
};
const weight: DTypeWithConstraints = { bits: [4, 8], symmetric: true, perChannel: true, channelAxis: 0 };

const layer = (act: DTypeWithConstraints): DTypeConfig => ({
  input: act,
  weight,
  bias: ['int32'],
  output: act,
});
const plain = (act: DTypeWithConstraints): DTypeConfig => ({ input: act, output: act });
const fixed = (act: DTypeWithConstraints, low: number): DTypeConfig => ({
  input: act,
  output: { bits: act.bits, carrier: act.carrier!, signed: false, fixedRange: [low, 1] },
});
const MATMUL_WEIGHT: DTypeWithConstraints = { bits: [8] };

/** Qualcomm's HTP by way of ONNX Runtime's QNN provider: uint8 or uint16 activations, int8 or int4 weights, int32 bias. */
export const qnn = defineBackend({
  name: 'qnn',
  description: 'Qualcomm HTP through the QNN execution provider: uint8 or uint16 activations, int8 weights.',
  source: 'https://onnxruntime.ai/docs/execution-providers/QNN-ExecutionProvider.html',
  dialects: ['qdq'],
  guards: 'none',
  entries: [
    observed(['Conv', ['Relu', 'Clip']], [layer(act8), layer(act16)]),
    observed([['Conv', 'ConvTranspose', 'Gemm']], [layer(act8), layer(act16)]),
    observed(
      ['MatMul'],
      [
        { ...layer(act8), weight: MATMUL_WEIGHT },
        { ...layer(act16), weight: MATMUL_WEIGHT },
      ],
    ),
    observed([['Add', 'Sub', 'Mul', 'Div', 'Concat']], [plain(act8), plain(act16)]),
    observed([['AveragePool', 'GlobalAveragePool', 'ReduceMean']], [plain(act8), plain(act16)]),
    observed(
      [['Relu', 'Clip', 'LeakyRelu', 'PRelu', 'HardSwish', 'Elu', 'Resize']],
      [plain(act8), plain(act16)],
    ),
    observed([['Sigmoid', 'Softmax']], [fixed(act8, 0), fixed(act16, 0)]),
    observed(['Tanh'], [fixed(act8, -1), fixed(act16, -1)]),
    sharing(
      ['MaxPool', 'Reshape', 'Transpose', 'Slice', 'Flatten', 'Squeeze', 'Unsqueeze', 'Split'],
      [plain(act8), plain(act16)],
    ),
    sharing(['Gather', 'Pad', 'DepthToSpace', 'SpaceToDepth', 'Expand', 'Tile'], [plain(act8), plain(act16)]),
  ],
});
