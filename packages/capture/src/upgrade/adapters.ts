import {
  dropAttributes,
  inTurn,
  intsToInput,
  renameAttribute,
  renameOperator,
  renameWords,
  stateDefaults,
  unchanged,
} from './adapt.js';
import {
  clipBounds,
  dftAxis,
  dropoutRatio,
  padInputs,
  reduceAxes,
  sliceInputs,
  splitCount,
  topKCount,
} from './adapt-inputs.js';
import {
  broadcastAxis,
  castType,
  dropoutMask,
  integerNorm,
  preluSlope,
  reshapeShape,
  scanBatch,
  splitSizes,
} from './adapt-legacy.js';
import { batchNormOutputs, batchNormSpatial, groupNormChannels } from './adapt-normalization.js';
import { resizeInputs, resizeMode, upsampleAxes, upsampleScales } from './adapt-resize.js';
import { softmaxAxis } from './adapt-softmax.js';
import type { Adapter } from './upgrade.js';

/** Adapters of one operator by the version that they lead to. */
export type OperatorAdapters = Readonly<Record<number, Adapter>>;

/** Until version 6 inputs could be marked as overwritten. */
const consumed = dropAttributes('consumed_inputs');

/** `broadcast` and `axis` are gone since 7. */
const broadcasting: OperatorAdapters = { 6: consumed, 7: broadcastAxis };
const broadcastingOnly: OperatorAdapters = { 7: broadcastAxis };
const consuming: OperatorAdapters = { 6: consumed };
const reducing: OperatorAdapters = { 18: reduceAxes };
/** Version 28 no longer allows integers, which no runtime had computed. */
const reducingFloats: OperatorAdapters = { 18: reduceAxes, 28: unchanged };
const rowNormalizing: OperatorAdapters = { 13: softmaxAxis };
const recurrent: OperatorAdapters = { 7: dropAttributes('output_sequence') };

const FLOAT = 'float';

/**
 * What must be done to a node when its operator changes, by operator and version. A version that is not here but in the
 * operator's history widened it only. Source: the operators' changelog of ONNX (docs/Changelog.md).
 */
export const ADAPTERS: Readonly<Record<string, OperatorAdapters>> = {
  Abs: consuming,
  Add: broadcasting,
  And: broadcastingOnly,
  BatchNormalization: {
    6: consumed,
    7: dropAttributes('is_test'),
    9: batchNormSpatial,
    14: batchNormOutputs,
  },
  Cast: { 6: castType },
  Ceil: consuming,
  Clip: { 6: consumed, 11: clipBounds },
  Concat: { 4: stateDefaults({ axis: 1 }) },
  DFT: { 20: dftAxis },
  Div: broadcasting,
  Dropout: { 6: consumed, 7: dropAttributes('is_test'), 10: dropoutMask, 12: dropoutRatio },
  Elu: consuming,
  Equal: broadcastingOnly,
  // Version 13 no longer allows integers, which no runtime had computed.
  Erf: { 13: unchanged },
  Exp: consuming,
  Floor: consuming,
  GRU: { 3: unchanged, ...recurrent },
  Gemm: { 7: dropAttributes('broadcast') },
  GlobalLpPool: { 2: integerNorm },
  Greater: broadcastingOnly,
  GridSample: { 20: renameWords('mode', { bilinear: 'linear', bicubic: 'cubic' }) },
  GroupNormalization: { 21: groupNormChannels },
  HardSigmoid: consuming,
  Hardmax: rowNormalizing,
  InstanceNormalization: consuming,
  LSTM: recurrent,
  LeakyRelu: consuming,
  Less: broadcastingOnly,
  Log: consuming,
  LogSoftmax: rowNormalizing,
  LpPool: { 2: integerNorm },
  Max: consuming,
  Mean: consuming,
  Min: consuming,
  Mul: broadcasting,
  Neg: consuming,
  Or: broadcastingOnly,
  PRelu: { 6: consumed, 7: preluSlope },
  Pad: { 2: renameAttribute('paddings', 'pads'), 11: padInputs },
  Pow: broadcastingOnly,
  RNN: recurrent,
  Reciprocal: consuming,
  ReduceL1: reducing,
  ReduceL2: reducing,
  ReduceLogSum: reducingFloats,
  ReduceLogSumExp: reducingFloats,
  ReduceMax: reducing,
  ReduceMean: reducing,
  ReduceMin: reducing,
  ReduceProd: reducing,
  ReduceSum: { 13: reduceAxes },
  ReduceSumSquare: reducing,
  Relu: consuming,
  Reshape: { 5: reshapeShape },
  Resize: { 11: resizeMode, 13: resizeInputs },
  // Version 16 aligns pixels at their centres by default; before, that was not known.
  RoiAlign: { 16: stateDefaults({ coordinate_transformation_mode: 'output_half_pixel' }) },
  Scan: { 9: scanBatch },
  Scatter: { 11: renameOperator('ScatterElements') },
  Selu: {
    6: inTurn(
      consumed,
      stateDefaults({ alpha: { type: FLOAT, value: 1.6732 }, gamma: { type: FLOAT, value: 1.0507 } }),
    ),
  },
  Sigmoid: consuming,
  Slice: { 10: sliceInputs },
  Softmax: rowNormalizing,
  Split: { 2: splitSizes, 13: intsToInput('split', 1), 18: splitCount },
  Sqrt: consuming,
  Squeeze: { 13: intsToInput('axes', 1) },
  Sub: broadcasting,
  Sum: consuming,
  Tanh: consuming,
  TopK: { 10: topKCount },
  Unsqueeze: { 13: intsToInput('axes', 1) },
  Upsample: { 7: upsampleAxes, 9: upsampleScales, 10: renameOperator('Resize') },
  Xor: broadcastingOnly,
};
