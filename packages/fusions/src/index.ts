import type { Rule } from '@bitwright/rewrite';
import { cancelSqueeze } from './cancel-squeeze.js';
import { dropConcatSplit } from './drop-concat-split.js';
import { dropDropout } from './drop-dropout.js';
import { dropEmptyPad } from './drop-empty-pad.js';
import { dropIdentity } from './drop-identity.js';
import { dropNeutralArithmetic } from './drop-neutral-arithmetic.js';
import { dropSameShape } from './drop-same-shape.js';
import { dropSingleOperand } from './drop-single-operand.js';
import { dropSplitConcat } from './drop-split-concat.js';
import { equalizeBatchNorms } from './equalize-batch-norms.js';
import { foldAffineIntoNextConv } from './fold-affine-into-next-conv.js';
import { foldAffineIntoNextGemm } from './fold-affine-into-next-gemm.js';
import { foldBatchNormIntoConv } from './fold-batch-norm-into-conv.js';
import { foldBatchNormIntoGemm } from './fold-batch-norm-into-gemm.js';
import { foldConstantIntoConv } from './fold-constant-into-conv.js';
import { foldConstantIntoGemm } from './fold-constant-into-gemm.js';
import { foldMatmulAddIntoGemm } from './fold-matmul-add-into-gemm.js';
import { foldPadIntoAveragePool } from './fold-pad-into-average-pool.js';
import { foldPadIntoConv } from './fold-pad-into-conv.js';
import { mergeConstants } from './merge-constants.js';
import { mergeReshapes } from './merge-reshapes.js';
import { mergeTransposes } from './merge-transposes.js';
import { replaceBatchNormByDepthwiseConv } from './replace-batch-norm-by-depthwise-conv.js';
import { replaceClipByRelu } from './replace-clip-by-relu.js';
import { reportBatchNorm } from './report-batch-norm.js';
import { restoreHardSigmoid } from './restore-hard-sigmoid.js';
import { restoreHardSwish } from './restore-hard-swish.js';
import { restoreSigmoid } from './restore-sigmoid.js';
import { splitBatchNormOverConcat } from './split-batch-norm-over-concat.js';

export { type MergeReport, mergeDuplicates } from './merge-duplicates.js';
export {
  cancelSqueeze,
  dropConcatSplit,
  dropDropout,
  dropEmptyPad,
  dropIdentity,
  dropNeutralArithmetic,
  dropSameShape,
  dropSingleOperand,
  dropSplitConcat,
  equalizeBatchNorms,
  foldAffineIntoNextConv,
  foldAffineIntoNextGemm,
  foldBatchNormIntoConv,
  foldBatchNormIntoGemm,
  foldConstantIntoConv,
  foldConstantIntoGemm,
  foldMatmulAddIntoGemm,
  foldPadIntoAveragePool,
  foldPadIntoConv,
  mergeConstants,
  mergeReshapes,
  mergeTransposes,
  replaceBatchNormByDepthwiseConv,
  replaceClipByRelu,
  reportBatchNorm,
  restoreHardSigmoid,
  restoreHardSwish,
  restoreSigmoid,
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
  dropNeutralArithmetic,
  dropSingleOperand,
  cancelSqueeze,
  dropSameShape,
  mergeReshapes,
  mergeTransposes,
  dropSplitConcat,
  dropConcatSplit,
  restoreSigmoid,
  restoreHardSwish,
  restoreHardSigmoid,
  replaceClipByRelu,
  foldPadIntoConv,
  foldPadIntoAveragePool,
  foldBatchNormIntoConv,
  foldBatchNormIntoGemm,
  foldConstantIntoConv,
  foldConstantIntoGemm,
  foldMatmulAddIntoGemm,
  splitBatchNormOverConcat,
  mergeConstants,
  foldAffineIntoNextConv,
  foldAffineIntoNextGemm,
  replaceBatchNormByDepthwiseConv,
  reportBatchNorm,
]);
