import { diagnoseFloatAccuracy } from '@bitwright/analyze';
import { BitwrightError, type Diagnostic } from '@bitwright/core';
import { evaluateModels, type ModelEvaluation } from './evaluate-models.js';
import type { ModelInput } from './model-file.js';
import type { QuantizeOptions } from './quantize-options.js';
import type { RunHooks } from './run-hooks.js';

const ACCURACY_CODES = new Set(['E-CHANCE', 'E-CONST', 'W-SUSPECT']);

/** Accuracy before and after quantization, on the same samples. */
export interface AccuracyComparison {
  readonly float: ModelEvaluation;
  readonly quantized: ModelEvaluation;
}

/**
 * Counts the accuracy of the float model, before anything is quantized; undefined without labelled data. Where it is no
 * better than guessing, `onDiagnostic` hears so at once, and the diagnostic is among the evaluation's.
 */
export async function countFloat(
  model: ModelInput,
  options: QuantizeOptions,
  hooks: RunHooks,
): Promise<ModelEvaluation | undefined> {
  if (options.evaluation === undefined) return undefined;
  const [counted] = await evaluateModels([model], { data: options.evaluation }, hooks);
  const first = diagnoseFloatAccuracy(counted!, counted!.path);
  for (const diagnostic of first) hooks.onDiagnostic?.(diagnostic);
  return { ...counted!, diagnostics: [...counted!.diagnostics, ...first] };
}

/**
 * Counts the accuracy of the quantized model where that of the float one was counted.
 *
 * @throws MAX_DROP_MISSED (a missed budget) when more points are lost than allowed.
 */
export async function compareAccuracy(
  float: ModelEvaluation | undefined,
  quantizedBytes: Uint8Array,
  options: QuantizeOptions,
  maxDrop: number | undefined,
  hooks: RunHooks,
): Promise<AccuracyComparison | undefined> {
  if (options.evaluation === undefined || float === undefined) return undefined;
  const [quantized] = await evaluateModels([quantizedBytes], { data: options.evaluation }, hooks, float);
  const drop = (100 * (float.correct - quantized!.correct)) / float.total;
  if (maxDrop !== undefined && drop > maxDrop) {
    throw new BitwrightError({
      code: 'MAX_DROP_MISSED',
      message: `Accuracy fell from ${float.correct}/${float.total} to ${quantized!.correct}/${quantized!.total}, by ${drop.toFixed(2)} points where ${maxDrop} are allowed.`,
      hint: 'Take more bits, another method, or allow a larger drop. Nothing was written.',
      at: { option: '--max-drop' },
      kind: 'budget',
    });
  }
  return { float, quantized: quantized! };
}

/** What the counts of a comparison tell: of the float model by itself, of the quantized one beside it. */
export function accuracyDiagnostics(accuracy: AccuracyComparison | undefined): Diagnostic[] {
  if (accuracy === undefined) return [];
  const { float, quantized } = accuracy;
  return [
    ...float.diagnostics.filter(({ code }) => code === 'W-FP32-FIRST'),
    ...quantized.diagnostics.filter(({ code }) => ACCURACY_CODES.has(code)),
  ];
}
