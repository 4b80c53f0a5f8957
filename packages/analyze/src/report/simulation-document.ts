import * as z from 'zod';

const count = z.number().int().nonnegative();

/** The arithmetic of one output element of a layer, product by product. */
export const reportTrace = z.strictObject({
  layer: z.string(),
  opType: z.string(),
  output: z.array(count).describe('index of the element'),
  sample: count.describe('index of the sample'),
  inputGrid: z.strictObject({ scale: z.number(), zeroPoint: z.number().int() }),
  weights: z.strictObject({ scale: z.number(), zeroPoint: z.number().int() }),
  products: z.array(
    z.strictObject({
      channel: count,
      tap: z.array(count).describe('place in the window; empty without one'),
      isPadding: z.boolean(),
      inputCode: z.number().int(),
      weightCode: z.number().int(),
      product: z.number().int().describe('(q_x - z_x)(q_w - z_w)'),
      sum: z.number().int().describe('of the products so far'),
      bits: count.describe('that a signed register needs for that sum'),
    }),
  ),
  zeroPointTerms: z.strictObject({
    raw: z.number().int(),
    inputZero: z.number().int(),
    weightZero: z.number().int(),
    both: z.number().int(),
  }),
  accumulator: z.number().int(),
  held: z.number().int().describe('as the register holds it'),
  accumulatorBits: count,
  bias: z.number().int(),
  biased: z.number().int(),
  requantize: z.strictObject({ kind: z.string(), multiplier: z.string() }).optional(),
  unrounded: z.number().optional(),
  code: z.number().int().optional(),
  range: z.array(z.number().int()).optional(),
  value: z.number().describe('what the code stands for'),
  exact: z.number().describe('the same sum in real numbers'),
});

/** What is said of one layer on a hardware. */
export const simulatedLayer = z.strictObject({
  name: z.string(),
  opType: z.string(),
  accumulatorBits: z.strictObject({
    worstCase: count.describe('of a signed register for any input whatever'),
    onData: count,
  }),
  registerBits: count.describe("of the hardware's register"),
  overflows: count,
  snr: z
    .record(z.string(), z.number().nullable())
    .optional()
    .describe('decibels of the output against exact sums, by source of error; null where nothing differed'),
});

const counts = {
  correct: z.array(count).describe('one count for each seed'),
  total: count,
};

/** A quantized model on a hardware: accuracy over seeds, what each layer needs, and how sensitive it is. */
export const reportSimulation = z.strictObject({
  model: z.string(),
  hardware: z.strictObject({
    name: z.string(),
    description: z.string().optional(),
    sources: z.array(z.string()).optional(),
    json: z.string().describe('the whole description'),
  }),
  convention: z.string(),
  engine: z.enum(['onnx', 'interpreter']),
  ...counts,
  mean: z.number(),
  deviation: z.number(),
  layers: z.array(simulatedLayer),
  float: z.array(
    z.strictObject({ name: z.string(), opType: z.string(), code: z.string(), reason: z.string() }),
  ),
  curves: z.array(
    z.strictObject({
      parameter: z.string(),
      points: z.array(z.strictObject({ value: z.number(), ...counts })),
    }),
  ),
  traces: z.array(reportTrace),
});

/** See {@link reportSimulation}. */
export type ReportSimulation = z.infer<typeof reportSimulation>;
/** See {@link reportTrace}. */
export type ReportTrace = z.infer<typeof reportTrace>;
