import type { Diagnostic } from '@bitwright/core';

/** What an accuracy is judged by. */
export interface CountedAnswers {
  readonly correct: number;
  readonly total: number;
  /** Classes that the logits tell apart. */
  readonly classes: number;
  /** Samples that got the answer given most often. */
  readonly mostAnswered: number;
  /** Samples of the most frequent label. */
  readonly mostLabelled: number;
}

/** What is known beside the counts. */
export interface AccuracyContext {
  /** The model's name. */
  readonly model: string;
  /** The widths of its weights and activations, where known. */
  readonly bits?: readonly number[];
  /** The bits of the accumulator that the weights were rounded for, where there was one. */
  readonly accumulatorBits?: number;
  /** The counts of the float model on the same samples. */
  readonly float?: Pick<CountedAnswers, 'correct' | 'total' | 'classes'>;
}

/**
 * Looks for results that no quantization explains: accuracy of guessing (E-CHANCE), one class for nearly everything
 * (E-CONST), and a percentage that is the bits (W-SUSPECT).
 */
export function diagnoseAccuracy(counted: CountedAnswers, context: AccuracyContext): Diagnostic[] {
  const { model, float, accumulatorBits } = context;
  const narrow =
    accumulatorBits === undefined
      ? ''
      : ` Its weights were rounded for accumulators of ${accumulatorBits} bits: try wider ones.`;
  const { correct, total, classes, mostAnswered, mostLabelled } = counted;
  const at = { file: model };
  const found: Diagnostic[] = [];
  if (nearChance(counted)) {
    const fine = float !== undefined && !nearChance(float);
    found.push({
      code: 'E-CHANCE',
      severity: fine ? 'error' : 'warning',
      message: `${correct}/${total} of '${model}' are right, no more than guessing among ${classes} classes gives${fine ? `, where the float model has ${float.correct}/${float.total}` : ''}.`,
      hint: fine
        ? `Quantization has destroyed the model: take more bits, method balanced or best, or --scheme academic.${narrow}`
        : 'Check the order of labels, the normalisation in the data card, and the float model on the same data.',
      at,
    });
  }
  if (total >= 10 && mostAnswered > 0.9 * total && mostLabelled <= 0.9 * total) {
    found.push({
      code: 'E-CONST',
      severity: 'error',
      message: `'${model}' gives one class to ${mostAnswered} of ${total} samples, whatever they show.`,
      hint: `Look for a tensor that is saturated or all zero (bitwright diff against a wider model), and for an input that is not normalised.${narrow}`,
      at,
    });
  }
  if (context.bits?.some((bits) => 100 * correct === bits * total)) {
    found.push({
      code: 'W-SUSPECT',
      severity: 'warning',
      message: `The accuracy of '${model}' in percent, ${(100 * correct) / total}, is its number of bits.`,
      hint: 'It is counted here, so it may be a coincidence; in a script of your own look for bits printed or passed in place of accuracy.',
      at,
    });
  }
  return found;
}

/** W-FP32-FIRST: the float model is no better than guessing on the data, so that nothing quantized can be judged by it. */
export function diagnoseFloatAccuracy(counted: CountedAnswers, model: string): Diagnostic[] {
  if (!nearChance(counted)) return [];
  const { correct, total, classes } = counted;
  return [
    {
      code: 'W-FP32-FIRST',
      severity: 'warning',
      message: `The float model '${model}' has ${correct}/${total} right before anything is quantized, no more than guessing among ${classes} classes gives.`,
      hint: 'Check normalisation, channel order and the order of labels in the data card: the loss is not from quantization.',
      at: { file: model },
    },
  ];
}

/** True up to three standard deviations above 1/classes, where samples are enough to tell that from all right. */
function nearChance({
  correct,
  total,
  classes,
}: Pick<CountedAnswers, 'correct' | 'total' | 'classes'>): boolean {
  if (classes < 2 || total === 0) return false;
  const chance = 1 / classes;
  const margin = 3 * Math.sqrt((chance * (1 - chance)) / total);
  return margin < (1 - chance) / 2 && correct / total <= chance + margin;
}
