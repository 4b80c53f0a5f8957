import { BitwrightError } from '@bitwright/core';
import { evaluateModels, type ModelEvaluation } from './evaluate-models.js';
import type { ModelInput } from './model-file.js';
import type { QuantizeOptions } from './quantize-options.js';
import type { RunHooks } from './run-hooks.js';

/** Accuracy before and after quantization, on the same samples. */
export interface AccuracyComparison {
  readonly float: ModelEvaluation;
  readonly quantized: ModelEvaluation;
}

/**
 * Counts the accuracy of the float and the quantized model where labelled data was given.
 *
 * @throws MAX_DROP_MISSED (a missed budget) when more points are lost than allowed.
 */
export async function compareAccuracy(
  model: ModelInput,
  quantizedBytes: Uint8Array,
  options: QuantizeOptions,
  maxDrop: number | undefined,
  hooks: RunHooks,
): Promise<AccuracyComparison | undefined> {
  if (options.evaluation === undefined) return undefined;
  const [float] = await evaluateModels([model], { data: options.evaluation }, hooks);
  const [quantized] = await evaluateModels([quantizedBytes], { data: options.evaluation }, hooks);
  const drop = (100 * (float!.correct - quantized!.correct)) / float!.total;
  if (maxDrop !== undefined && drop > maxDrop) {
    throw new BitwrightError({
      code: 'MAX_DROP_MISSED',
      message: `Accuracy fell from ${float!.correct}/${float!.total} to ${quantized!.correct}/${quantized!.total}, by ${drop.toFixed(2)} points where ${maxDrop} are allowed.`,
      hint: 'Take more bits, another method, or allow a larger drop. Nothing was written.',
      at: { option: '--max-drop' },
      kind: 'budget',
    });
  }
  return { float: float!, quantized: quantized! };
}
