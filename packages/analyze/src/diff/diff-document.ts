import * as z from 'zod';

const side = z.strictObject({
  weights: z.string().optional().describe('e.g. W4 symmetric axis 0'),
  input: z.string().optional().describe('e.g. A4 unsigned'),
  output: z.string().optional(),
  bias: z.string().optional(),
  float: z.string().optional().describe('why the layer is float'),
});

/** One layer of two models, side by side. */
export const diffLayer = z.strictObject({
  name: z.string(),
  opType: z.string(),
  status: z.enum(['same', 'changed', 'only-first', 'only-second']),
  first: side.optional(),
  second: side.optional(),
  decisions: z.array(z.string()).describe('what was decided differently, in words'),
  scales: z.array(
    z.strictObject({
      of: z.enum(['input', 'output', 'weights', 'bias']),
      channels: z.number().int(),
      differing: z.number().int(),
      ratioLow: z.number().describe('smallest second scale over first scale'),
      ratioHigh: z.number(),
      zeroPoints: z.number().int().describe('zero points that differ'),
    }),
  ),
  codes: z
    .strictObject({ total: z.number().int(), differing: z.number().int() })
    .optional()
    .describe('weight codes, where both models have the same grid'),
  sqnr: z
    .number()
    .nullable()
    .optional()
    .describe("the second model's layer output against the first's, in dB; null where they are equal"),
});

/** Two quantized models compared: per layer, per scale, per decision. */
export const diffDocument = z.strictObject({
  kind: z.literal('bitwright.diff'),
  version: z.literal(1),
  first: z.strictObject({ path: z.string(), convention: z.string() }),
  second: z.strictObject({ path: z.string(), convention: z.string() }),
  equal: z.boolean().describe('no layer differs'),
  settings: z.array(z.strictObject({ key: z.string(), first: z.string(), second: z.string() })),
  layers: z.array(diffLayer),
  outputs: z
    .strictObject({
      samples: z.number().int(),
      agreement: z.number().int().describe('samples whose largest output is at the same place'),
      sqnr: z.number().nullable(),
      largest: z.number().describe('largest absolute difference'),
      correct: z.tuple([z.number().int(), z.number().int()]).optional(),
    })
    .optional(),
});

/** See {@link diffDocument}. */
export type DiffDocument = z.infer<typeof diffDocument>;
/** See {@link diffLayer}. */
export type DiffLayer = z.infer<typeof diffLayer>;
