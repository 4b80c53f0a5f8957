import type { Diagnostic } from '@bitwright/core';
import type { DiagnosedGraph, GraphRule } from './graph-rule.js';
import { addScales } from './rules/add-scales.js';
import { batchNormLeft } from './rules/batch-norm-left.js';
import { beforeRelu } from './rules/before-relu.js';
import { doubleQuantization } from './rules/double-quantization.js';
import { floatBypass } from './rules/float-bypass.js';
import { narrowInput } from './rules/narrow-input.js';
import { narrowLogits } from './rules/narrow-logits.js';
import { padOffGrid } from './rules/pad-off-grid.js';

const RULES: readonly GraphRule[] = [
  doubleQuantization,
  beforeRelu,
  batchNormLeft,
  narrowInput,
  narrowLogits,
  addScales,
  floatBypass,
  padOffGrid,
];

/** Looks for the usual mistakes of quantized graphs, each told with its node's name and a remedy; changes nothing. */
export function diagnoseGraph(subject: DiagnosedGraph): Diagnostic[] {
  return RULES.flatMap((rule) => rule(subject));
}
