import { BitwrightError } from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import { batchSizeFor } from './batch-size.js';
import type { Executor } from './executor.js';
import { indexOfLargest, logitRows, logitsName, rankOfLabel } from './logits.js';

/** What an evaluation counts. */
export interface Evaluation {
  readonly metric: 'top1';
  /** Samples whose largest logit is at their label. */
  readonly correct: number;
  /** Samples whose label is among the five largest logits; absent below six classes. */
  readonly top5?: number;
  /** Samples whose largest logit is where the reference's is. */
  readonly agreement?: number;
  /** Samples whose largest logit of the reference is at their label. */
  readonly referenceCorrect?: number;
  /** Logits of one sample. */
  readonly classes: number;
  /** Samples of the class that was answered most often. */
  readonly mostAnswered: number;
  /** Samples of the most frequent label. */
  readonly mostLabelled: number;
  readonly total: number;
  readonly seconds: number;
}

/** What an evaluation works on. */
export interface EvaluateOptions {
  /** The output that holds the logits; the only one by default. */
  readonly output?: string;
  /** A second model to agree with, usually the float one. */
  readonly reference?: Executor;
  readonly batchSize?: number;
  readonly onProgress?: (done: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
}

/**
 * Counts correct answers of a classifier over labelled data. Memory is bounded by one batch.
 *
 * @throws EVALUATE_OUTPUT when the logits' output is not clear, DATA_LABELS_MISSING for a sample without label.
 */
export async function evaluate(
  executor: Executor,
  data: SampleSource,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const output = logitsName(executor.outputNames, options.output);
  const { reference } = options;
  const referenceOutput =
    reference &&
    logitsName(reference.outputNames, reference.outputNames.includes(output) ? output : undefined);
  const started = performance.now();
  const counts = { correct: 0, top5: 0, agreement: 0, referenceCorrect: 0, total: 0, classes: 0 };
  const answers = new Map<number, number>();
  const labels = new Map<number, number>();
  for await (const batch of data.batches(options.batchSize ?? batchSizeFor(executor.inputs))) {
    options.signal?.throwIfAborted();
    const logits = (await executor.run(batch.inputs, [output])).get(output)!;
    const rows = logitRows(logits, batch.size);
    const others =
      reference &&
      logitRows((await reference.run(batch.inputs, [referenceOutput!])).get(referenceOutput!)!, batch.size);
    for (let i = 0; i < batch.size; i++) {
      const label = batch.labels[i];
      if (label === undefined) throw missingLabel(batch.first + i, data.name);
      const best = indexOfLargest(rows.data, i * rows.width, rows.width);
      if (best === label) counts.correct++;
      if (label < rows.width && rankOfLabel(rows.data, i * rows.width, rows.width, label) < 5) counts.top5++;
      tally(answers, best);
      tally(labels, label);
      if (others === undefined) continue;
      const other = indexOfLargest(others.data, i * others.width, others.width);
      if (other === best) counts.agreement++;
      if (other === label) counts.referenceCorrect++;
    }
    counts.classes = rows.width;
    counts.total += batch.size;
    options.onProgress?.(counts.total, data.count);
  }
  return {
    metric: 'top1',
    correct: counts.correct,
    total: counts.total,
    ...(counts.classes > 5 && { top5: counts.top5 }),
    ...(reference && { agreement: counts.agreement, referenceCorrect: counts.referenceCorrect }),
    classes: counts.classes,
    mostAnswered: Math.max(0, ...answers.values()),
    mostLabelled: Math.max(0, ...labels.values()),
    seconds: (performance.now() - started) / 1000,
  };
}

function tally(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function missingLabel(sample: number, name: string): BitwrightError {
  return new BitwrightError({
    code: 'DATA_LABELS_MISSING',
    message: `Sample ${sample} of '${name}' has no label, and accuracy needs one.`,
    hint: 'Say in the data card where labels come from ("label").',
    at: { file: name },
  });
}
