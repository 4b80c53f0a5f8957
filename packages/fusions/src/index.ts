import type { Rule } from '@bitwright/rewrite';
import { foldBatchNormIntoConv } from './fold-batch-norm-into-conv.js';

export { foldBatchNormIntoConv };

/** The shipped rules in the order in which they are tried at an operator. */
export const fusionRules: readonly Rule[] = Object.freeze([foldBatchNormIntoConv]);
