import type { Rule } from '@bitwright/rewrite';
import { dropDropout } from './drop-dropout.js';
import { dropEmptyPad } from './drop-empty-pad.js';
import { dropIdentity } from './drop-identity.js';
import { foldBatchNormIntoConv } from './fold-batch-norm-into-conv.js';
import { foldBatchNormIntoGemm } from './fold-batch-norm-into-gemm.js';
import { foldConstantIntoConv } from './fold-constant-into-conv.js';
import { foldConstantIntoGemm } from './fold-constant-into-gemm.js';
import { foldMatmulAddIntoGemm } from './fold-matmul-add-into-gemm.js';
import { foldPadIntoAveragePool } from './fold-pad-into-average-pool.js';
import { foldPadIntoConv } from './fold-pad-into-conv.js';
import { mergeReshapes } from './merge-reshapes.js';
import { replaceBatchNormByDepthwiseConv } from './replace-batch-norm-by-depthwise-conv.js';
import { replaceClipByRelu } from './replace-clip-by-relu.js';
import { reportBatchNorm } from './report-batch-norm.js';
import { splitBatchNormOverConcat } from './split-batch-norm-over-concat.js';

export {
  dropDropout,
  dropEmptyPad,
  dropIdentity,
  foldBatchNormIntoConv,
  foldBatchNormIntoGemm,
  foldConstantIntoConv,
  foldConstantIntoGemm,
  foldMatmulAddIntoGemm,
  foldPadIntoAveragePool,
  foldPadIntoConv,
  mergeReshapes,
  replaceBatchNormByDepthwiseConv,
  replaceClipByRelu,
  reportBatchNorm,
  splitBatchNormOverConcat,
};

/**
 * The shipped rules in the order in which they are tried at an operator. They want constants folded and shapes inferred
 * (`foldConstants`) first. What they make equals what was there in exact arithmetic; folded weights are rounded once.
 */
export const fusionRules: readonly Rule[] = Object.freeze([
  dropIdentity,
  dropDropout,
  dropEmptyPad,
  mergeReshapes,
  replaceClipByRelu,
  foldPadIntoConv,
  foldPadIntoAveragePool,
  foldBatchNormIntoConv,
  foldBatchNormIntoGemm,
  foldConstantIntoConv,
  foldConstantIntoGemm,
  foldMatmulAddIntoGemm,
  splitBatchNormOverConcat,
  replaceBatchNormByDepthwiseConv,
  reportBatchNorm,
]);
