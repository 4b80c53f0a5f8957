import { EXECUTION_MODES } from '@bitwright/runtime';
import * as z from 'zod';
import { diagnosticDocument, errorDocument } from '../error-document.js';

const count = z.number().int().nonnegative();
const share = z.number().min(0).max(1);

const scores = {
  /** Samples whose largest output is at their label. */
  correct: count,
  total: count,
  /** Samples whose label is among the five largest; absent below six classes. */
  top5: count.optional(),
  /** The Wilson 95 % interval of correct/total. */
  interval: z.strictObject({ low: share, high: share }),
};

/** The figures of a float model. */
export const sweepFloat = z.strictObject({
  model: z.string().describe('the path as it was given'),
  sha256: z.string(),
  ...scores,
  diagnostics: z.array(diagnosticDocument).optional().describe('absent where the count is as it can be'),
});

/** The figures of one model at one width, scheme and method: its scores, or the error that it ended with. */
export const sweepRun = z.strictObject({
  model: z.string().describe('the path as it was given'),
  bits: z.string().describe('as in W4A4'),
  scheme: z.string(),
  method: z.string(),
  correct: count.optional(),
  total: count.optional(),
  top5: count.optional(),
  interval: scores.interval.optional(),
  agreement: count.optional().describe("samples whose largest output is where the float model's is"),
  divergence: z
    .number()
    .nonnegative()
    .optional()
    .describe('mean Kullback-Leibler divergence of the outputs from the float model, in nats'),
  bytes: count.optional().describe('size of the quantized file'),
  dialect: z.string().optional(),
  file: z.string().optional().describe('name of the emitted file in the --emit folder'),
  diagnostics: z
    .array(diagnosticDocument)
    .optional()
    .describe(
      'what no quantization explains: accuracy of guessing, one class for all; absent where there is none',
    ),
  error: errorDocument.optional(),
});

/** McNemar's test between two models at one width, on the same samples. */
export const sweepComparison = z.strictObject({
  bits: z.string().describe('as in W4A4; float for the float models'),
  scheme: z.string().optional(),
  method: z.string().optional(),
  first: z.string(),
  second: z.string(),
  onlyFirst: count.describe('samples that only the first model gets right'),
  onlySecond: count,
  exact: share.describe('two-sided exact p-value'),
  midP: share.describe('two-sided mid-p value'),
});

/** Where samples came from. */
export const sweepData = z.strictObject({
  name: z.string(),
  samples: count,
  synthetic: z.boolean().describe('made-up samples: no figure says anything about the model'),
});

/**
 * The result of a sweep. The same inputs give the same bytes on one machine: nothing in it depends on time, on the
 * number of workers, or on how often the sweep was interrupted.
 */
export const sweepDocument = z.strictObject({
  kind: z.literal('bitwright.sweep'),
  version: z.literal(1),
  sweep: z.string().describe('digest of everything that decides the result'),
  mode: z
    .enum(EXECUTION_MODES)
    .describe(
      'faithful: quantizers are simulated exactly, as bitwright evaluate --faithful does; default: a stock session',
    ),
  calibration: sweepData,
  evaluation: sweepData,
  floats: z.array(sweepFloat),
  runs: z.array(sweepRun),
  comparisons: z.array(sweepComparison),
});

/** See {@link sweepDocument}. */
export type SweepDocument = z.infer<typeof sweepDocument>;
/** See {@link sweepRun}. */
export type SweepRun = z.infer<typeof sweepRun>;
/** See {@link sweepFloat}. */
export type SweepFloat = z.infer<typeof sweepFloat>;
/** See {@link sweepComparison}. */
export type SweepComparison = z.infer<typeof sweepComparison>;
